//! What a table is to be like.

use std::collections::BTreeMap;

use larder_core::{Error, ErrorKind, Result};

/// What a table is to be like, beside what every table of Larder's is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TableSpec {
    /// Tags that the table has to have. Others that it has are left alone.
    pub tags: BTreeMap<String, String>,
    /// Whether the table can be deleted.
    pub protection: Protection,
}

/// Whether a table can be deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Protection {
    /// As it is; off on a new table.
    #[default]
    AsIs,
    /// It cannot.
    On,
    /// It can.
    Off,
}

impl TableSpec {
    /// Without tags, and deletion protection as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tag that the table has to have: a key of 1 to 128 characters that does not begin with `aws:`, a value of at most
    /// 256, 50 in all.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Whether the table can be deleted.
    #[must_use]
    pub fn protection(mut self, protection: Protection) -> Self {
        self.protection = protection;
        self
    }

    /// Refuses tags that DynamoDB would refuse after the table was made.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::new(ErrorKind::InvalidInput, reason));
        if self.tags.len() > 50 {
            return invalid(format!("{} tags are given; a table has at most 50", self.tags.len()));
        }
        let fits = |text: &str| {
            text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c))
        };
        for (key, value) in &self.tags {
            let key_fits = (1..=128).contains(&key.chars().count()) && fits(key);
            if !key_fits || key.to_ascii_lowercase().starts_with("aws:") {
                return invalid(format!(
                    "the tag {key:?} is none: a key has 1 to 128 letters, digits, spaces or + - = . _ : / @, and does not \
                     begin with aws:"
                ));
            }
            if value.chars().count() > 256 || !fits(value) {
                return invalid(format!(
                    "the value of the tag {key:?} is none: it has at most 256 letters, digits, spaces or + - = . _ : / @"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_checked_before_anything_is_made() {
        assert!(TableSpec::new().tag("larder:id", "cache").tag("owner", "").check().is_ok());
        let too_long = "v".repeat(257);
        for (key, value) in
            [("", "v"), ("aws:x", "v"), ("AWS:x", "v"), ("a#", "v"), ("k", &too_long), ("k", "#")]
        {
            let error = TableSpec::new().tag(key, value).check().expect_err(key);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        let many = (0..51).fold(TableSpec::new(), |spec, n| spec.tag(format!("k{n}"), "v"));
        assert!(many.check().expect_err("too many").to_string().contains("at most 50"));
    }
}
