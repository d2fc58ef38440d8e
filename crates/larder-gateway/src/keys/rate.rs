//! How many requests a key may make.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many requests a key may make in a second, a minute or an hour.
///
/// So many may come at once; the allowance then comes back evenly. Written `100/s`, `600/m`, `1000/h`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// How many requests.
    pub requests: NonZeroU32,
    /// In what time.
    pub per: RatePeriod,
}

/// The time that a rate is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RatePeriod {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Rate {
    /// The most requests that a rate can be of, in any time.
    pub const MAX_REQUESTS: u32 = 1_000_000;

    /// How long it takes until one more request may come.
    pub fn interval(self) -> Duration {
        // Never zero: a second has more nanoseconds than a rate has requests.
        self.per.length() / self.requests.get().min(Self::MAX_REQUESTS)
    }
}

impl RatePeriod {
    /// How long it is.
    pub const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            RatePeriod::Second => 's',
            RatePeriod::Minute => 'm',
            RatePeriod::Hour => 'h',
        };
        write!(f, "{}/{per}", self.requests)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(requests, per)| {
            let requests: NonZeroU32 = requests.parse().ok()?;
            let per = match per {
                "s" => RatePeriod::Second,
                "m" => RatePeriod::Minute,
                "h" => RatePeriod::Hour,
                _ => return None,
            };
            (requests.get() <= Self::MAX_REQUESTS).then_some(Self { requests, per })
        });
        parsed.ok_or_else(|| {
            format!(
                "a rate is 1 to {} requests in a second, a minute or an hour: 100/s, 600/m, 1000/h",
                Self::MAX_REQUESTS
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        for (text, interval) in [("100/s", 10), ("600/m", 100), ("3600/h", 1_000), ("1/h", 3_600_000)] {
            let rate: Rate = text.parse().expect("a rate");
            assert_eq!(rate.to_string(), text);
            assert_eq!(rate.interval(), Duration::from_millis(interval), "{text}");
        }
        let most: Rate = "1000000/s".parse().expect("a rate");
        assert_eq!(most.interval(), Duration::from_micros(1));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "100", "0/s", "-1/s", "1/d", "1/", "/s", "1.5/s", "1000001/s", "100 / s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
