//! The cases, by what they are about.

use std::fmt;

use futures_util::future::BoxFuture;

use crate::context::Context;

/// A table of cases: each is an `async fn(Context)` of the module, followed by the clauses that it proves.
macro_rules! cases {
    ($module:literal; $($name:ident: $($clause:ident)+;)+) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            name: concat!($module, "::", stringify!($name)),
            clauses: &[$(stringify!($clause)),+],
            run: |context| Box::pin($name(context)),
        }),+];
    };
}

mod batches;
mod compatibility;
mod conditions;
mod counters;
mod doubts;
mod errors;
mod evidence;
mod expiry;
mod guards;
mod keys;
mod late_writes;
mod layout;
mod lossy_bench;
mod lost_replies;
mod model;
mod namespaces;
mod operations;
mod pages;
mod races;
mod reads;
mod retries;
mod scans;
mod secrecy;
mod sweeps;
mod touch;
mod values;
mod versions;
mod writes;

/// One case of the suite.
pub struct Case {
    /// `module::function`.
    pub name: &'static str,
    /// The clauses of the contract that it proves.
    pub clauses: &'static [&'static str],
    /// Runs it on a fresh store; it panics when a clause does not hold.
    pub run: fn(Context) -> BoxFuture<'static, ()>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("clauses", &self.clauses)
            .finish_non_exhaustive()
    }
}

/// Every case.
pub fn all() -> impl Iterator<Item = &'static Case> {
    let tables = [
        keys::CASES,
        namespaces::CASES,
        values::CASES,
        expiry::CASES,
        touch::CASES,
        sweeps::CASES,
        writes::CASES,
        conditions::CASES,
        versions::CASES,
        guards::CASES,
        lost_replies::CASES,
        late_writes::CASES,
        doubts::CASES,
        evidence::CASES,
        reads::CASES,
        scans::CASES,
        pages::CASES,
        batches::CASES,
        counters::CASES,
        errors::CASES,
        secrecy::CASES,
        retries::CASES,
        layout::CASES,
        compatibility::CASES,
        races::CASES,
        model::CASES,
    ];
    tables.into_iter().flatten()
}
