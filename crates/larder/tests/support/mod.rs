//! What the tests share: reading one binding, and the promises that every refusal keeps.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::error::Error as _;

use larder::binding::{DynamoDb, Firestore, Gateway, LocalKv, TableStorage};
use larder::{Binding, Bindings, Environment, Error, ErrorKind, Result};

/// Every credential of these tests holds it, so that one that is shown is found.
pub(crate) const SECRET: &str = "hunter2";

/// A variable whose value is a credential, and an empty one.
pub(crate) fn variables() -> Environment {
    [("KEY", "hunter2"), ("BASE64", "aHVudGVyMg=="), ("TABLE", "from-variable"), ("EMPTY", "")]
        .into_iter()
        .collect()
}

/// Reads the text of a binding as that of `cache`.
pub(crate) fn read(text: &str) -> Result<Binding> {
    Bindings::from_map([("cache", text)]).with_environment(variables()).binding("cache")
}

/// Reads what must not be readable, and returns the message.
#[track_caller]
pub(crate) fn refused(text: &str) -> String {
    refusal(read(text).map(drop), "cache")
}

/// Checks what holds for every refusal of a binding, and returns the message.
#[track_caller]
pub(crate) fn refusal(result: Result<()>, id: &str) -> String {
    refusal_of_kind(ErrorKind::NotConfigured, result, id)
}

/// The same for another kind.
#[track_caller]
pub(crate) fn refusal_of_kind(kind: ErrorKind, result: Result<()>, id: &str) -> String {
    let error = result.expect_err("it must be refused");
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.binding(), Some(id), "{error}");
    assert!(!error.is_retryable());
    assert_shows_no_secret(&error);
    error.message().to_owned()
}

/// Neither the error nor its causes show a credential, in any form.
#[track_caller]
pub(crate) fn assert_shows_no_secret(error: &Error) {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    for secret in [SECRET, "aHVudGVyMg"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[track_caller]
pub(crate) fn dynamodb(text: &str) -> DynamoDb {
    match read(text).expect("a binding") {
        Binding::DynamoDb(binding) => binding,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn firestore(text: &str) -> Firestore {
    match read(text).expect("a binding") {
        Binding::Firestore(binding) => binding,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn tables(text: &str) -> TableStorage {
    match read(text).expect("a binding") {
        Binding::TableStorage(binding) => binding,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn local(text: &str) -> LocalKv {
    match read(text).expect("a binding") {
        Binding::LocalKv(binding) => binding,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn gateway(text: &str) -> Gateway {
    match read(text).expect("a binding") {
        Binding::Gateway(binding) => binding,
        other => panic!("{other:?}"),
    }
}
