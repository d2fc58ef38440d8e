//! Tables on the emulator, and servers that answer as a test says.
#![allow(dead_code, reason = "every test uses some of it")]

pub(crate) mod server;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder_conformance::emulator;
use larder_core::{Kv, RetryPolicy};
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY, create_table};
use larder_tables::{Credentials, TablesDriver, TablesOptions};

pub(crate) fn key() -> Credentials {
    Credentials::AccountKey(EMULATOR_KEY.into())
}

/// A name that no other test uses.
pub(crate) fn fresh_name() -> String {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    format!("t{}x{}", std::process::id(), TABLES.fetch_add(1, Ordering::Relaxed))
}

/// A table on Azurite that nobody has made.
pub(crate) fn missing_table() -> TablesOptions {
    TablesOptions::new(EMULATOR_ACCOUNT, fresh_name()).endpoint_url(emulator("azurite")).credentials(key())
}

/// A new table on Azurite.
pub(crate) async fn table() -> TablesOptions {
    let options = missing_table();
    create_table(&open(&options).await).await.expect("the table is made");
    options
}

/// A table on a server of the test's own.
pub(crate) fn table_at(url: impl Into<String>) -> TablesOptions {
    TablesOptions::new(EMULATOR_ACCOUNT, "cache").endpoint_url(url).credentials(key())
}

pub(crate) async fn open(options: &TablesOptions) -> TablesDriver {
    TablesDriver::open(options.clone()).await.expect("the options are right")
}

/// A handle that gives up after two seconds.
pub(crate) async fn impatient(options: &TablesOptions) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.deadline = Duration::from_secs(2);
    policy.attempt_timeout = Duration::from_secs(1);
    Kv::builder(open(options).await).binding("cache").retry(policy).build()
}
