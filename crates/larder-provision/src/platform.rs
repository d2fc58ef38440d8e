//! The platforms that stores can be made on.

use std::fmt;
use std::str::FromStr;

use larder::{Error, ErrorKind};

/// A platform that stores can be made on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Platform {
    /// Directories on this machine.
    Local,
    /// Tables of Amazon DynamoDB.
    Aws,
    /// Collections of Google Cloud Firestore.
    Gcp,
    /// Tables of Azure Table Storage.
    Azure,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Local, Self::Aws, Self::Gcp, Self::Azure];

    /// The name, which is also that of the cargo feature.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == name).ok_or_else(|| {
            let shown: String = name.chars().take(32).collect();
            let message = format!("the platform {shown:?} is unknown; known are local, aws, gcp and azure");
            Error::new(ErrorKind::InvalidInput, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_known_by_its_name() {
        for platform in Platform::ALL {
            assert_eq!(platform.to_string().parse::<Platform>().expect("known"), platform);
        }
        for unknown in ["", "AWS", "amazon"] {
            let error = unknown.parse::<Platform>().expect_err(unknown);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("local, aws, gcp and azure"), "{error}");
        }
    }
}
