//! What a script may reach.

use larder_core::Kv;

use crate::wire::Refusal;

/// One thing that a script may do with its store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// Reading entries whose keys it knows.
    Read,
    /// Storing and counting.
    Write,
    /// Making keys absent.
    Delete,
    /// Listing entries.
    Scan,
}

impl Right {
    const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Delete, Self::Scan];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Scan => "scan",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A store, and what a script may do with it: what its caller may.
#[derive(Clone, Debug)]
#[must_use]
pub struct Access {
    pub(super) kv: Kv,
    rights: u8,
}

impl Access {
    /// Nothing at all.
    pub fn none(kv: Kv) -> Self {
        Self { kv, rights: 0 }
    }

    /// Everything in the handle's namespace.
    pub fn all(kv: Kv) -> Self {
        Right::ALL.into_iter().fold(Self::none(kv), Self::allow)
    }

    /// One thing more.
    pub fn allow(mut self, right: Right) -> Self {
        self.rights |= right.bit();
        self
    }

    pub(super) fn check(&self, rights: &[Right]) -> Result<(), Refusal> {
        match rights.iter().find(|right| self.rights & right.bit() == 0) {
            None => Ok(()),
            Some(right) => Err(Refusal::new(
                "FORBIDDEN",
                format!(
                    "the caller of the script may not do that: it lacks the permission {:?}",
                    right.as_str()
                ),
            )),
        }
    }
}
