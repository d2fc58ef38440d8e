//! What goes wrong between a service and its table: each its own kind, never a miss, never a hang.

mod support;

use std::time::{Duration, Instant};

use larder_conformance::server::{answering, cutting_off, hanging_up, nowhere, silent};
use larder_conformance::{emulator, every_operation_fails};
use larder_core::driver::{Driver, Effect, Projection, Read, RowKey};
use larder_core::{Consistency, ErrorKind, PutOptions, ScanOptions};
use larder_tables::testing::{EMULATOR_ACCOUNT, delete_table, put_raw, spoil};
use larder_tables::{Credentials, TablesDriver, TablesOptions};

use support::server::SERVICE;
use support::{fresh_name, impatient, key, missing_table, open, table, table_at};

const FULL: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

#[tokio::test]
async fn a_missing_table_is_not_provisioned() {
    let options = missing_table();
    let words = ["no such table", &options.table, EMULATOR_ACCOUNT, "create it"];
    every_operation_fails(&impatient(&options).await, ErrorKind::NotProvisioned, &words).await;
}

/// A handle that knows the layout sees the table go: none of its reads may be a miss.
#[tokio::test]
async fn a_table_that_was_deleted_is_not_provisioned() {
    let options = table().await;
    let kv = impatient(&options).await;
    let stored = kv.put("key", "value", PutOptions::new()).await.expect("a put");
    let larder_core::PutOutcome::Stored(version) = stored else { panic!("{stored:?}") };
    delete_table(&open(&options).await).await.expect("it is deleted");
    let kind = ErrorKind::NotProvisioned;
    every_operation_fails(&kv, kind, &["no such table", "create it"]).await;
    let swap = PutOptions::new().if_version(version.clone());
    assert_eq!(kv.put("key", "value", swap).await.expect_err("no table").kind(), kind);
    assert_eq!(kv.delete_if_version("key", version).await.expect_err("no table").kind(), kind);
    let many = kv.put_many((0..40).map(|at| (format!("k{at}"), "value")), None).await.expect("a batch");
    assert!(many.iter().all(|put| put.as_ref().is_err_and(|error| error.kind() == kind)), "{many:?}");
    let many = kv.get_many(["a", "b"]).await.expect("a batch");
    assert!(many.iter().all(|got| got.as_ref().is_err_and(|error| error.kind() == kind)), "{many:?}");
    let many = kv.delete_many(["a", "b"]).await.expect("a batch");
    assert!(many.iter().all(|gone| gone.as_ref().is_err_and(|error| error.kind() == kind)), "{many:?}");
}

#[tokio::test]
async fn rows_of_something_else_are_refused() {
    let options = table().await;
    put_raw(&open(&options).await, "00", "customer-1", "{}").await.expect("a row");
    every_operation_fails(
        &impatient(&options).await,
        ErrorKind::NotProvisioned,
        &["rows but no layout record"],
    )
    .await;
    // In a partition that none of Larder's tables has: the table is another program's all the same.
    let options = table().await;
    put_raw(&open(&options).await, "customers", "order-1", "{}").await.expect("a row");
    every_operation_fails(
        &impatient(&options).await,
        ErrorKind::NotProvisioned,
        &["rows but no layout record"],
    )
    .await;
}

#[tokio::test]
async fn a_row_whose_key_is_no_key_stands_in_its_place_and_the_scan_goes_on() {
    let options = table().await;
    let kv = impatient(&options).await;
    for key in ["a", "c"] {
        kv.put(key, "value", PutOptions::new()).await.expect("a put");
    }
    // The quote would end a string of a filter that forgot to double it.
    let driver = open(&options).await;
    for (partition, row) in [("00", "b~"), ("0F", "b''c")] {
        put_raw(&driver, partition, row, "{}").await.expect("a row");
    }
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.scan_page("", ScanOptions::new().limit(1).cursor(cursor)).await.expect("it goes on");
        found.extend(page.items.into_iter().map(|item| match item {
            Ok(entry) => entry.key().to_owned(),
            Err(error) => format!("{} {:?}", error.kind(), error.key()),
        }));
        cursor = page.cursor.map(|cursor| cursor.to_string().parse().expect("a cursor"));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", r#"corrupt Some("b'c")"#, r#"corrupt Some("b~")"#, "c"]);
}

#[tokio::test]
async fn a_lost_layout_is_noticed_whatever_the_handle_would_make() {
    let options = table().await;
    let kv = impatient(&options).await;
    for number in 0..64 {
        kv.put(format!("key-{number}"), "value", PutOptions::new()).await.expect("a put");
    }
    larder_tables::testing::remove_layout(&open(&options).await).await.expect("it is removed");
    for shards in [1, 4, 16] {
        let kv = impatient(&options.clone().shards(shards)).await;
        every_operation_fails(&kv, ErrorKind::NotProvisioned, &["rows but no layout record"]).await;
    }
}

async fn row_of(key: &str) -> RowKey {
    let key = larder_core::CanonicalKey::from_canonical(key).expect("canonical");
    RowKey { shard: larder_core::Layout::new(16).shard_of(&key), key }
}

#[tokio::test]
async fn a_row_that_something_else_wrote_is_corrupt_and_can_be_mended() {
    let options = table().await;
    let kv = impatient(&options).await;
    kv.put("good", "value", PutOptions::new()).await.expect("a put");
    let row = row_of("bad").await;
    let driver = open(&options).await;
    spoil(&driver, &row).await.expect("a row");
    let partition = format!("{:02X}", row.shard.0);
    let stamp = r#""w":"AAECAwQFBgcICQoLDA0ODwAAAZt22qh7","w@odata.type":"Edm.Binary""#;
    for properties in [
        // Nothing at all, an expiry as a text and as a number, no stamp, a value that is no binary.
        "{}".to_owned(),
        format!(r#"{{"v":"","v@odata.type":"Edm.Binary","exp":"9","exp@odata.type":"Edm.String",{stamp}}}"#),
        format!(r#"{{"v":"","v@odata.type":"Edm.Binary","exp":9,{stamp}}}"#),
        r#"{"v":"","v@odata.type":"Edm.Binary","exp":"9","exp@odata.type":"Edm.Int64"}"#.to_owned(),
        format!(r#"{{"v":"text","exp":"9223372036854775807","exp@odata.type":"Edm.Int64",{stamp}}}"#),
    ] {
        put_raw(&driver, &partition, "bad", &properties).await.expect("a row");
        assert_eq!(kv.get("bad").await.expect_err(&properties).kind(), ErrorKind::Corrupt);
        let page = kv.scan_page("", ScanOptions::new()).await.expect("the scan goes on");
        assert_eq!(page.items.iter().filter(|item| item.is_ok()).count(), 1);
        let corrupt = page.items.iter().find_map(|item| item.as_ref().err()).expect("named");
        assert_eq!((corrupt.kind(), corrupt.key()), (ErrorKind::Corrupt, Some("bad")));
    }
    kv.put("bad", "mended", PutOptions::new()).await.expect("a put mends it");
    assert_eq!(kv.get_text("bad").await.expect("it reads").as_deref(), Some("mended"));
}

#[tokio::test]
async fn a_layout_of_the_future_is_refused_and_one_of_other_shards_is_used() {
    for (layout, kind, words) in [
        (
            r#"{"version":9,"minReader":9,"minWriter":9,"shards":16,"hash":"xxh64"}"#,
            ErrorKind::Unsupported,
            "9",
        ),
        (
            r#"{"version":1,"minReader":1,"minWriter":1,"shards":16,"hash":"sip"}"#,
            ErrorKind::Unsupported,
            "sip",
        ),
        ("{", ErrorKind::Corrupt, "layout record"),
    ] {
        let options = table().await;
        larder_tables::testing::put_layout(&open(&options).await, layout).await.expect("a layout record");
        every_operation_fails(&impatient(&options).await, kind, &[words]).await;
    }
    let options = table().await;
    let four = impatient(&options.clone().shards(4)).await;
    let keys: Vec<String> = (0..50).map(|number| format!("key-{number}")).collect();
    for stored in four.put_many(keys.iter().map(|key| (key, "value")), None).await.expect("a batch") {
        stored.expect("a put");
    }
    // A handle that would have made 16 finds what is there.
    let sixteen = impatient(&options).await;
    assert_eq!(sixteen.scan_collect("", 1_000).await.expect("a scan").items.len(), 50);
    for key in &keys {
        assert!(sixteen.exists(key).await.expect("a read"), "{key}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable_and_nothing_was_sent() {
    let url = nowhere().await;
    every_operation_fails(
        &impatient(&table_at(&url)).await,
        ErrorKind::Unavailable,
        &["cannot be reached", &url],
    )
    .await;
    let elsewhere = table_at("http://no-such-host.invalid");
    let error = impatient(&elsewhere).await.get("key").await.expect_err("no such host");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

/// What does not speak TLS was never sent a request.
#[tokio::test]
async fn a_server_without_tls_is_unavailable() {
    for url in [hanging_up().await, answering("200 OK", "", "").await] {
        let options = table_at(url.replace("http://", "https://"));
        let error = open(&options).await.get(&row_of("key").await, FULL).await.expect_err("no TLS");
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
    }
}

/// An account has a host of its own, so that one that does not exist has none.
#[tokio::test]
async fn an_account_that_does_not_exist_is_named() {
    let options = TablesOptions::new("nosuchaccount0larder0x", "cache").credentials(key());
    let error = impatient(&options).await.get("key").await.expect_err("no such account");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let shown = error.to_string();
    assert!(shown.contains("nosuchaccount0larder0x") && shown.contains("is its name right?"), "{shown}");
    // On an emulator it is a path, and its rows are not told from it.
    let mut options = missing_table();
    options.account = "nosuchaccount0larder0x".into();
    every_operation_fails(&impatient(&options).await, ErrorKind::NotProvisioned, &["nosuchaccount0larder0x"])
        .await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout_within_the_deadline() {
    every_operation_fails(&impatient(&table_at(silent().await)).await, ErrorKind::Timeout, &[]).await;
}

#[tokio::test]
async fn a_server_that_hangs_up_is_unavailable() {
    every_operation_fails(
        &impatient(&table_at(hanging_up().await)).await,
        ErrorKind::Unavailable,
        &["broke"],
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_is_cut_short_is_no_answer() {
    let url = cutting_off("HTTP/1.1 200 OK\r\n", "{\"odata.metadata\":").await;
    every_operation_fails(&impatient(&table_at(url)).await, ErrorKind::Unavailable, &["broke"]).await;
    // A refusal is one even where its words are missing.
    let url = cutting_off("HTTP/1.1 403 Forbidden\r\n", "<?xml").await;
    every_operation_fails(&impatient(&table_at(url)).await, ErrorKind::Unauthorized, &["403"]).await;
}

/// A row or a table, what was there or what was asked: without its code such a refusal tells nothing.
#[tokio::test]
async fn a_refusal_that_needs_its_code_is_none_without_it() {
    for head in
        ["HTTP/1.1 404 Not Found\r\n", "HTTP/1.1 409 Conflict\r\n", "HTTP/1.1 412 Precondition Failed\r\n"]
    {
        let driver = open(&table_at(cutting_off(head, "{\"odata.error\":{\"code\":\"Res").await)).await;
        let error = driver.get(&row_of("key").await, FULL).await.expect_err(head);
        assert_eq!(
            (error.kind, error.effect),
            (ErrorKind::Unavailable, Effect::Unknown),
            "{head}: {error:?}"
        );
        assert!(error.retryable, "{head}: {error:?}");
    }
    // The header has it, too.
    let url =
        cutting_off("HTTP/1.1 404 Not Found\r\nx-ms-error-code: ResourceNotFound\r\n", "{\"odata").await;
    let found = open(&table_at(url)).await.get(&row_of("key").await, FULL).await;
    assert!(matches!(found, Ok(None)), "{found:?}");
}

#[tokio::test]
async fn a_wrong_key_is_unauthorized() {
    let mut options = table().await;
    options.credentials = Credentials::AccountKey("aHVudGVyMg==".into());
    let kv = impatient(&options).await;
    every_operation_fails(&kv, ErrorKind::Unauthorized, &["refused the credentials", &options.table]).await;
    let error = kv.get("key").await.expect_err("a wrong key");
    assert!(!format!("{error} {error:?} {kv:?}").contains("aHVudGVyMg"), "{error:?}");
}

/// Azure's own words, as its documentation gives them.
const DENIED: &str = r#"{"odata.error":{"code":"AuthorizationPermissionMismatch","message":{"lang":"en-US","value":"This request by hunter2 is not authorized"}}}"#;
const DELETING: &str = r#"{"odata.error":{"code":"TableBeingDeleted","message":{"value":"The specified table is being deleted."}}}"#;
const BUSY: &str = r#"{"odata.error":{"code":"ServerBusy","message":{"value":"The server is busy."}}}"#;
const EXPIRED: &str = r#"<?xml version="1.0"?><m:error xmlns:m="x"><m:code>AuthenticationFailed</m:code><message>Signature hunter2 not valid: expired</message></m:error>"#;
const TIMED_OUT: &str = r#"{"odata.error":{"code":"OperationTimedOut"}}"#;

#[tokio::test]
async fn refusals_have_kinds_of_their_own() {
    for (status, headers, body, kind, words) in [
        (
            "401 Unauthorized",
            "x-ms-error-code: InvalidAuthenticationInfo\r\n",
            "",
            ErrorKind::Unauthorized,
            "expired",
        ),
        ("403 Forbidden", "", DENIED, ErrorKind::Unauthorized, "Storage Table Data Contributor"),
        ("403 Forbidden", "", EXPIRED, ErrorKind::Unauthorized, "when it expires"),
        (
            "403 Forbidden",
            "x-ms-error-code: AccountIsDisabled\r\n",
            "",
            ErrorKind::Unauthorized,
            "is disabled",
        ),
        ("403 Forbidden", "", "<html>", ErrorKind::Unauthorized, "403"),
        ("404 Not Found", "", "<html>", ErrorKind::NotProvisioned, "404"),
        ("409 Conflict", "", DELETING, ErrorKind::NotProvisioned, "is being deleted"),
        ("429 Too Many Requests", "", "", ErrorKind::Throttled, "429"),
        ("503 Service Unavailable", "", BUSY, ErrorKind::Throttled, "ServerBusy"),
        ("503 Service Unavailable", "", "", ErrorKind::Unavailable, "503"),
        ("500 Internal Server Error", "", TIMED_OUT, ErrorKind::Unavailable, "OperationTimedOut"),
        ("502 Bad Gateway", "", "<html>", ErrorKind::Unavailable, "502"),
        ("302 Found", "location: http://127.0.0.1:1/\r\n", "", ErrorKind::NotConfigured, "endpointUrl"),
        ("400 Bad Request", "", "", ErrorKind::Internal, "400"),
        ("200 OK", "", "", ErrorKind::Unavailable, "could not be read"),
        ("200 OK", "", "<html>", ErrorKind::Unavailable, "could not be read"),
        ("204 No Content", SERVICE, "", ErrorKind::Unavailable, "could not be read"),
        ("200 OK", SERVICE, "{\"odata.metadata\":", ErrorKind::Unavailable, "could not be read"),
    ] {
        let options = table_at(answering(status, headers, body).await);
        let error = impatient(&options).await.get("key").await.expect_err(status);
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        assert!(error.to_string().contains(words), "{words:?} is not in {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let url = answering("503 Service Unavailable", "retry-after: 60\r\n", BUSY).await;
    let started = Instant::now();
    let error = impatient(&table_at(url)).await.get("key").await.expect_err("it is busy");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert!(started.elapsed() < Duration::from_secs(2), "the pause would outlast the deadline");
}

#[tokio::test]
async fn bad_options_are_refused_before_any_request() {
    async fn refused(options: TablesOptions, word: &str) {
        let error = TablesDriver::open(options).await.expect_err(word);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    for url in [
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://",
        "http:///path",
        "",
        "http://user:hunter2@127.0.0.1",
        "http://127.0.0.1?token=hunter2",
    ] {
        refused(table_at(url), "endpointUrl").await;
    }
    let good = || TablesOptions::new("acme", "cache").credentials(key());
    for shards in [0, 2, 3, 17, 256] {
        refused(good().shards(shards), "shards are not offered").await;
    }
    for account in ["", "ab", "UPPER", "a/b", "a.evil.example"] {
        refused(TablesOptions::new(account, "cache").credentials(key()), "account's name").await;
    }
    for table in ["", "ab", "1ab", "a-b", "a')"] {
        refused(TablesOptions::new("acme", table).credentials(key()), "table's name").await;
    }
    refused(good().credentials(Credentials::AccountKey("hunter2!".into())), "base64").await;
    refused(good().credentials(Credentials::AccountKey(String::new())), "base64").await;
    refused(good().credentials(Credentials::Sas("sv=1&hunter2".into())), "sig").await;
    let sas = Credentials::Sas("sv=1&sig=hunter2".into());
    refused(good().endpoint_url("http://tables.example").credentials(sas), "in the clear").await;
}

#[tokio::test]
async fn no_debug_output_shows_a_credential() {
    let url = answering("500 Oops", "", "").await;
    for secret in
        [Credentials::AccountKey("aHVudGVyMg==".into()), Credentials::Sas("sv=1&sig=hunter2".into())]
    {
        let options = table_at(&url).credentials(secret);
        let kv = impatient(&options).await;
        let error = kv.get("key").await.expect_err("it is down");
        let shown = format!("{options:?} {:?} {kv:?} {error:?} {error}", open(&options).await);
        assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
    }
    let secret = Credentials::ClientSecret {
        tenant_id: "t".into(),
        client_id: "c".into(),
        secret: "hunter2".into(),
        authority_url: None,
    };
    assert_eq!(format!("{secret:?}"), "ClientSecret(..)");
    let text = format!("AccountName=acme;AccountKey=aHVudGVyMg==;TableEndpoint={}", emulator("azurite"));
    let options = TablesOptions::from_connection_string(&text, fresh_name()).expect("a connection string");
    assert!(!format!("{options:?}").contains("aHVudGVyMg"));
}
