//! What a caller may do.

use std::fmt;
use std::str::FromStr;

use larder::{Error, ErrorKind};

/// One thing that a caller may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Permission {
    /// Reading entries whose keys the caller knows.
    Read,
    /// Storing, touching and counting.
    Write,
    /// Making keys absent.
    Delete,
    /// Listing keys and entries.
    Scan,
    /// Running scripts.
    ScriptsRun,
    /// Deploying scripts.
    ScriptsWrite,
}

impl Permission {
    /// Every permission, in the order of documents and listings.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Write, Self::Delete, Self::Scan, Self::ScriptsRun, Self::ScriptsWrite];

    /// Its name on command lines, in records and in errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Scan => "scan",
            Self::ScriptsRun => "scripts:run",
            Self::ScriptsWrite => "scripts:write",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = Error;

    /// Reads a permission's name. Another name is [`ErrorKind::InvalidInput`].
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::new(ErrorKind::InvalidInput, format!("that is no permission; there are {names}"))
        })
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Every permission.
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether the permission is in it.
    pub fn allows(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// The permissions in it, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.allows(*permission))
    }
}

impl From<Permission> for Permissions {
    fn from(permission: Permission) -> Self {
        Self(permission.bit())
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_it_and_nothing_else() {
        let set: Permissions = [Permission::Read, Permission::ScriptsWrite].into_iter().collect();
        let has: Vec<_> = set.iter().collect();
        assert_eq!(has, [Permission::Read, Permission::ScriptsWrite]);
        assert_eq!(Permissions::all().iter().count(), 6);
        assert_eq!(Permissions::NONE.iter().count(), 0);
    }

    #[test]
    fn names_are_read_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse::<Permission>().expect("a name"), permission);
        }
        assert!("admin".parse::<Permission>().is_err());
    }
}
