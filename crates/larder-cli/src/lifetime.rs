//! Lifetimes as people write and read them.

use std::time::Duration;

/// Reads `30s`, `5m`, `12h`, `30d` or several of them, as `1h30m`.
///
/// Only units that always last the same: milliseconds (`ms`) to weeks (`w`). A month or a year would be a guess.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let exact = text
        .split(|c: char| c.is_ascii_digit() || c.is_whitespace())
        .filter(|unit| !unit.is_empty())
        .all(|unit| matches!(unit, "ms" | "s" | "m" | "h" | "d" | "w"));
    let has_digits = text.contains(|c: char| c.is_ascii_digit());
    let parsed = if exact && has_digits { humantime::parse_duration(text).ok() } else { None };
    match parsed {
        Some(lifetime) if lifetime.is_zero() => Err("a lifetime is at least 1ms".to_owned()),
        Some(lifetime) => Ok(lifetime),
        None => Err("a lifetime is a number and a unit: 500ms, 30s, 5m, 12h, 30d, 2w, or 1h30m".to_owned()),
    }
}

/// The two largest units of a lifetime: `29d 23h`, `1m 5s`, `250ms`.
pub(crate) fn shown(lifetime: Duration) -> String {
    const UNITS: [(&str, u128); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = lifetime.as_millis();
    let mut parts = Vec::new();
    for (unit, millis) in UNITS {
        let count = rest / millis;
        rest %= millis;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0ms".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_units_are_read_exactly() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("12h", 43_200_000),
            ("30d", 2_592_000_000),
            ("2w", 1_209_600_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_lifetime_or_no_exact_one_is_refused() {
        for text in ["", "30", "s", "-5s", "1month", "1y", "5M", "1.5h", "0s", "1us", "forever"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_largest_units_are_shown() {
        for (millis, text) in
            [(0, "0ms"), (250, "250ms"), (65_000, "1m 5s"), (3_600_001, "1h"), (2_591_999_999, "29d 23h")]
        {
            assert_eq!(shown(Duration::from_millis(millis)), text);
        }
    }
}
