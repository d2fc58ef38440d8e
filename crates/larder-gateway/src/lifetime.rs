//! Lifetimes in requests.

use std::time::Duration;

use crate::problem::Problem;

/// The longest lifetime, in milliseconds: 7,922 years. Stores keep entries until the year 9999, and a document has to say a
/// number that holds for years to come.
pub(crate) const MAX_MILLIS: u64 = 250_000_000_000_000;

/// A number of milliseconds, of the parameter or field of this name.
pub(crate) fn of_millis(millis: Option<u64>, field: &str) -> Result<Option<Duration>, Problem> {
    match millis {
        Some(0) => Err(Problem::invalid(field, "must be at least 1; leave it out for an entry that stays")),
        Some(millis) if millis > MAX_MILLIS => Err(too_long(field, MAX_MILLIS)),
        millis => Ok(millis.map(Duration::from_millis)),
    }
}

/// A number of seconds, of the field of this name. Fractions of a millisecond round up, as everywhere.
pub(crate) fn of_seconds(seconds: f64, field: &str) -> Result<Duration, Problem> {
    const MAX_SECONDS: u64 = MAX_MILLIS / 1_000;
    match Duration::try_from_secs_f64(seconds) {
        _ if seconds <= 0.0 => {
            Err(Problem::invalid(field, "must be above 0; leave it out for an entry that stays"))
        }
        // The shortest lifetime that there is, where there would be none left.
        Ok(ttl) if ttl <= Duration::from_secs(MAX_SECONDS) => Ok(ttl.max(Duration::from_millis(1))),
        _ => Err(too_long(field, MAX_SECONDS)),
    }
}

fn too_long(field: &str, most: u64) -> Problem {
    Problem::invalid(field, format!("must be at most {most}; leave it out for an entry that stays"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_above_nothing_and_below_8000_years() {
        assert_eq!(of_millis(None, "t").expect("none"), None);
        assert_eq!(of_millis(Some(1), "t").expect("one"), Some(Duration::from_millis(1)));
        assert!(of_millis(Some(MAX_MILLIS), "t").is_ok());
        for millis in [0, MAX_MILLIS + 1, u64::MAX] {
            assert!(of_millis(Some(millis), "t").is_err(), "{millis}");
        }
        assert_eq!(of_seconds(1.1, "t").expect("fits"), Duration::from_millis(1_100));
        assert_eq!(of_seconds(5e-324, "t").expect("fits"), Duration::from_millis(1));
        for seconds in [0.0, -0.0, -1.0, 250_000_000_001.0, 1e300, f64::NAN, f64::INFINITY] {
            assert!(of_seconds(seconds, "t").is_err(), "{seconds}");
        }
    }
}
