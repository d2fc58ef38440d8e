//! Making and removing tables: on Azurite, and on servers that answer as the service does while it removes one.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use larder_conformance::server::{Server, answering};
use larder_core::provision::{Change, Goal, Provisioner, default_patience};
use larder_core::{ErrorKind, Kv, PutOptions, RetryPolicy};
use larder_tables::testing::create_table;
use larder_tables::{TablesOptions, TablesProvisioner};

use support::server::SERVICE;
use support::{missing_table, open, table_at};

async fn provisioner(options: &TablesOptions) -> TablesProvisioner {
    TablesProvisioner::open(options.clone()).await.expect("the options are right")
}

fn short_patience() -> RetryPolicy {
    let mut patience = default_patience();
    patience.deadline = Duration::from_secs(2);
    patience.backoff_min = Duration::from_millis(5);
    patience.backoff_max = Duration::from_millis(20);
    patience
}

#[tokio::test]
async fn a_table_is_made_once_and_removed_once() {
    let options = missing_table().shards(4);
    let provisioner = provisioner(&options).await;
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    assert!(plan.steps.iter().all(|step| step.is_change()), "{plan}");
    assert_eq!(provisioner.apply().await.expect("made"), plan);
    let again = provisioner.apply().await.expect("there");
    assert!(!again.has_changes(), "{again}");
    assert!(again.to_string().contains("= layout record: version 1, 4 shards"), "{again}");
    let kv = Kv::new(open(&options.clone().shards(16)).await);
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    assert_eq!(kv.settled_layout().await.expect("a layout").shards, 4);

    let other = TablesProvisioner::open(options.clone().shards(1)).await.expect("options");
    let error = other.apply().await.expect_err("for good");
    assert!(error.to_string().contains("4 shards for good"), "{error}");
    assert_eq!(provisioner.destroy("cache").await.expect_err("another name").kind(), ErrorKind::InvalidInput);
    assert_eq!(kv.get_text("key").await.expect("a get").as_deref(), Some("value"));
    assert!(provisioner.destroy(&options.table).await.expect("removed").has_changes());
    assert!(!provisioner.destroy(&options.table).await.expect("it is gone").has_changes());
    assert_eq!(kv.get("key").await.expect_err("no table").kind(), ErrorKind::NotProvisioned);
    // And again: this emulator lets a name be used at once.
    assert!(provisioner.apply().await.expect("made anew").to_string().contains("+ layout record: 4 shards"));
    assert!(Kv::new(open(&options).await).stored_layout().await.expect("a look").is_some());
    provisioner.destroy(&options.table).await.expect("removed");
}

#[tokio::test]
async fn two_who_apply_at_once_make_one_table() {
    let options = missing_table();
    let (one, two) = (provisioner(&options).await, provisioner(&options).await);
    let (first, second) = tokio::join!(one.apply(), two.apply());
    first.expect("made");
    second.expect("made");
    let (first, second) = tokio::join!(one.destroy(&options.table), two.destroy(&options.table));
    first.expect("removed");
    second.expect("removed");
}

#[tokio::test]
async fn a_table_of_other_rows_is_left_alone() {
    let options = missing_table();
    let driver = open(&options).await;
    create_table(&driver).await.expect("made");
    larder_tables::testing::put_raw(&driver, "customer", "1", "{}").await.expect("a row");
    let provisioner = provisioner(&options).await;
    for result in [provisioner.apply().await, provisioner.destroy(&options.table).await] {
        let error = result.expect_err("not Larder's");
        assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
        assert!(error.to_string().contains("no layout record"), "{error}");
    }
}

const GOING: &str = r#"{"odata.error":{"code":"TableBeingDeleted","message":{"value":"hunter2"}}}"#;

/// A table that is being removed for that many requests to make it, and then is made.
async fn going(refusals: usize) -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = Server::start(move |request| {
        let json = format!("{SERVICE}content-type: application/json\r\n");
        let is_made = count.load(Ordering::SeqCst) > refusals;
        match request.line() {
            line if line.starts_with("POST") && line.contains("Tables") => {
                if count.fetch_add(1, Ordering::SeqCst) < refusals {
                    return ("409 Conflict", json, GOING.to_owned());
                }
                ("204 No Content", SERVICE.to_owned(), String::new())
            }
            _ if is_made => support::server::empty_table(request),
            _ => ("409 Conflict", json, GOING.to_owned()),
        }
    })
    .await;
    (server, asked)
}

#[tokio::test]
async fn a_name_that_is_being_removed_is_waited_for() {
    let (server, asked) = going(3).await;
    let provisioner = provisioner(&table_at(&server.url)).await.patience(short_patience());
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    let Change::Create(what) = &plan.steps[0].change else { panic!("{plan}") };
    assert!(what.contains("being removed"), "{plan}");
    provisioner.apply().await.expect("it is made in the end");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_name_that_stays_taken_is_an_error_in_time() {
    let (server, asked) = going(usize::MAX - 1).await;
    let provisioner = provisioner(&table_at(&server.url)).await.patience(short_patience());
    let error = provisioner.apply().await.expect_err("it is never free");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable() && error.to_string().contains("still being removed"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
    assert!(asked.load(Ordering::SeqCst) > 3);
    // To whoever wants it gone, it is.
    let removed = provisioner.destroy("cache").await.expect("it is going");
    assert!(removed.is_pending() && !removed.has_changes(), "{removed}");
}

#[tokio::test]
async fn a_reply_that_was_lost_is_no_error() {
    let (made, removed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (makes, removes) = (Arc::clone(&made), Arc::clone(&removed));
    let server = Server::start(move |request| {
        let json = format!("{SERVICE}content-type: application/json\r\n");
        let refusal =
            |code: &str| format!(r#"{{"odata.error":{{"code":"{code}","message":{{"value":""}}}}}}"#);
        let is_there = makes.load(Ordering::SeqCst) > 0 && removes.load(Ordering::SeqCst) == 0;
        match request.line().split(' ').next().unwrap_or_default() {
            // Both are carried out at once, and the first of each is never answered.
            "POST" if makes.fetch_add(1, Ordering::SeqCst) == 0 => ("", String::new(), String::new()),
            "POST" => ("409 Conflict", json, refusal("TableAlreadyExists")),
            "DELETE" if removes.fetch_add(1, Ordering::SeqCst) == 0 => ("", String::new(), String::new()),
            "DELETE" => ("404 Not Found", json, refusal("ResourceNotFound")),
            _ if is_there => support::server::empty_table(request),
            _ => ("404 Not Found", json, refusal("TableNotFound")),
        }
    })
    .await;
    let mut patience = short_patience();
    patience.attempt_timeout = Duration::from_millis(300);
    let provisioner = provisioner(&table_at(&server.url)).await.patience(patience);
    assert!(provisioner.apply().await.expect("it is made").has_changes());
    assert_eq!(made.load(Ordering::SeqCst), 2);
    let gone = provisioner.destroy("cache").await.expect("it is removed");
    assert!(gone.has_changes() && !gone.is_pending(), "{gone}");
    assert_eq!(removed.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refusals_are_told_and_show_no_secret() {
    let denied = r#"{"odata.error":{"code":"AuthorizationFailure","message":{"value":"hunter2"}}}"#;
    let url = answering("403 Forbidden", SERVICE, denied).await;
    let provisioner = provisioner(&table_at(url)).await;
    for result in
        [provisioner.plan(Goal::Present).await, provisioner.apply().await, provisioner.destroy("cache").await]
    {
        let error = result.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        assert!(!format!("{error} {error:?} {provisioner:?}").contains("hunter2"), "{error:?}");
    }
}
