//! What is done on every platform.

use crate::Outcome;

/// An operation of Larder's, and what stands for it by hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    Get,
    Exists,
    Put,
    Create,
    CompareAndSet,
    Touch,
    Delete,
    Increment,
    Page,
    GetMany,
    PutMany,
}

impl Op {
    pub(super) const ALL: [Self; 11] = [
        Self::Get,
        Self::Exists,
        Self::Put,
        Self::Create,
        Self::CompareAndSet,
        Self::Touch,
        Self::Delete,
        Self::Increment,
        Self::Page,
        Self::GetMany,
        Self::PutMany,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Exists => "exists",
            Self::Put => "put",
            Self::Create => "put if absent",
            Self::CompareAndSet => "put if version",
            Self::Touch => "touch",
            Self::Delete => "delete",
            Self::Increment => "increment",
            Self::Page => "page of 100",
            Self::GetMany => "get_many of 100",
            Self::PutMany => "put_many of 100",
        }
    }

    pub(super) fn named(name: &str) -> Outcome<Self> {
        Self::ALL
            .into_iter()
            .find(|op| op.name() == name)
            .ok_or_else(|| format!("no operation {name:?}").into())
    }

    /// Whether it is about many entries.
    pub(super) fn is_of_many(self) -> bool {
        matches!(self, Self::Page | Self::GetMany | Self::PutMany)
    }

    /// Whether each turn is about a key that no turn before was about.
    pub(super) fn takes_new_keys(self) -> bool {
        matches!(self, Self::Put | Self::Create | Self::Delete)
    }

    /// How often each side does it in one measurement, at least.
    pub(super) fn times(self) -> usize {
        if self.is_of_many() { 256 } else { 2_048 }
    }
}
