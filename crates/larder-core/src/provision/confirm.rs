//! The store's name, said again by whoever wants it gone.

use crate::error::{Error, ErrorKind, Result};

/// Proof that whoever asks for a store's removal has named it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Confirmed;

impl Confirmed {
    /// Compares what was said with the store's name.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when they differ, in case too.
    pub fn check(store: &str, said: &str) -> Result<Self> {
        if store == said {
            return Ok(Self);
        }
        let message =
            format!("nothing was removed: the store is named {store:?}; give exactly that to remove it");
        Err(Error::new(ErrorKind::InvalidInput, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_itself_confirms() {
        assert!(Confirmed::check("cache-1", "cache-1").is_ok());
        for said in ["", "cache", "Cache-1", "cache-1 ", "yes"] {
            let error = Confirmed::check("cache-1", said).expect_err(said);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("\"cache-1\""), "{error}");
        }
    }
}
