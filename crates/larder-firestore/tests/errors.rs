//! What goes wrong between a service and its collection: each its own kind, never a miss, never a hang.

mod support;

use std::time::{Duration, Instant};

use h2::Reason;
use hyper::header::HeaderValue;
use larder_conformance::every_operation_fails;
use larder_core::driver::{Driver, Effect, Guard, Mutation, Observed, Write, WriteReply};
use larder_core::record::Revision;
use larder_core::{ErrorKind, PutOptions, ScanOptions, Timestamp};
use larder_firestore::testing::{put_layout, put_raw, remove_layout, spoil};
use larder_firestore::{Credentials, FirestoreDriver, FirestoreOptions};

use support::{
    FULL, PROJECT, answering, at, closed, collection, followed_by, hanging_up, http, impatient, open, put,
    reset, row, silent, status,
};

const NOT_FOUND: i32 = 5;
const FAILED_PRECONDITION: i32 = 9;

#[tokio::test]
async fn a_missing_database_is_not_provisioned() {
    let server = answering(|| status(NOT_FOUND)).await;
    let kv = impatient(&at(&server.url).database("absent")).await;
    every_operation_fails(&kv, ErrorKind::NotProvisioned, &["no database absent", PROJECT, "create it"])
        .await;
}

#[tokio::test]
async fn a_database_in_datastore_mode_is_not_provisioned() {
    let server = answering(|| status(FAILED_PRECONDITION)).await;
    every_operation_fails(
        &impatient(&at(&server.url)).await,
        ErrorKind::NotProvisioned,
        &["Datastore mode", "native"],
    )
    .await;
}

#[tokio::test]
async fn a_request_that_is_reset_is_in_doubt_unless_the_server_says_that_it_took_none() {
    let now = Timestamp::from_millis(1_767_225_600_000);
    for (reason, effect) in [
        (Reason::REFUSED_STREAM, Effect::NotApplied),
        (Reason::NO_ERROR, Effect::Unknown),
        (Reason::INTERNAL_ERROR, Effect::Unknown),
        (Reason::CANCEL, Effect::Unknown),
        (Reason::ENHANCE_YOUR_CALM, Effect::Unknown),
    ] {
        let server = answering(move || reset(reason)).await;
        let driver = open(&at(&server.url)).await;
        let error = driver.write(&row("key"), &put(Guard::Always), now).await.expect_err("it is reset");
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, effect), "{reason:?}: {error:?}");
        assert_eq!(server.asked().len(), 1, "{reason:?}: it is sent again by the handle, not below it");
    }
}

#[tokio::test]
async fn documents_of_something_else_are_refused() {
    let options = collection();
    put_raw(&open(&options).await, "kate").await.expect("a document");
    every_operation_fails(
        &impatient(&options).await,
        ErrorKind::NotProvisioned,
        &["rows but no layout record"],
    )
    .await;
    // With a name that none of Larder's documents has: the collection is another program's all the same.
    let options = collection();
    put_raw(&open(&options).await, "Customer 1").await.expect("a document");
    every_operation_fails(
        &impatient(&options).await,
        ErrorKind::NotProvisioned,
        &["rows but no layout record"],
    )
    .await;
}

#[tokio::test]
async fn a_lost_layout_is_noticed() {
    let options = collection();
    let kv = impatient(&options).await;
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    remove_layout(&open(&options).await).await.expect("it is removed");
    every_operation_fails(
        &impatient(&options).await,
        ErrorKind::NotProvisioned,
        &["rows but no layout record"],
    )
    .await;
}

#[tokio::test]
async fn a_document_that_something_else_wrote_is_corrupt_and_can_be_mended() {
    let options = collection();
    let kv = impatient(&options).await;
    kv.put("good", "value", PutOptions::new()).await.expect("a put");
    spoil(&open(&options).await, &row("bad")).await.expect("a document");
    assert_eq!(kv.get("bad").await.expect_err("no record").kind(), ErrorKind::Corrupt);
    let page = kv.scan_page("", ScanOptions::new()).await.expect("the scan goes on");
    assert_eq!(page.items.iter().filter(|item| item.is_ok()).count(), 1);
    let corrupt = page.items.iter().find_map(|item| item.as_ref().err()).expect("named");
    assert_eq!((corrupt.kind(), corrupt.key()), (ErrorKind::Corrupt, Some("bad")));
    kv.put("bad", "mended", PutOptions::new()).await.expect("a put mends it");
    assert_eq!(kv.get_text("bad").await.expect("it reads").as_deref(), Some("mended"));
}

#[tokio::test]
async fn a_document_whose_id_is_no_key_stands_in_its_place_and_the_scan_goes_on() {
    let options = collection();
    let kv = impatient(&options).await;
    for key in ["a", "z"] {
        kv.put(key, "value", PutOptions::new()).await.expect("a put");
    }
    put_raw(&open(&options).await, "kno key").await.expect("a document");
    // By pages of one, so that one ends at it, and through text.
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
    assert_eq!(found, ["a", r#"corrupt Some("no key")"#, "z"]);
}

#[tokio::test]
async fn a_collection_may_have_a_name_of_any_letters() {
    let mut options = collection();
    options.collection = "käse und {mehr}".to_owned();
    let kv = impatient(&options).await;
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    assert_eq!(kv.scan_collect("", 10).await.expect("a scan").items.len(), 1);
}

#[tokio::test]
async fn a_layout_of_the_future_is_refused() {
    for (layout, kind, word) in [
        (
            r#"{"version":9,"minReader":9,"minWriter":9,"shards":1,"hash":"xxh64"}"#,
            ErrorKind::Unsupported,
            "9",
        ),
        (
            r#"{"version":1,"minReader":1,"minWriter":1,"shards":1,"hash":"sip"}"#,
            ErrorKind::Unsupported,
            "sip",
        ),
        ("{", ErrorKind::Corrupt, "layout record"),
    ] {
        let options = collection();
        put_layout(&open(&options).await, layout).await.expect("a layout record");
        every_operation_fails(&impatient(&options).await, kind, &[word]).await;
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable_and_nothing_was_sent() {
    let url = closed().await;
    let words = ["cannot be reached", &url, "the connection was refused"];
    every_operation_fails(&impatient(&at(&url)).await, ErrorKind::Unavailable, &words).await;
    let tls = |url: String| at(url.replace("http://", "https://")).credentials(Credentials::Emulator);
    let plain = answering(|| http(200, "{}")).await;
    for (options, word) in [
        (at("http://no-such-host.invalid"), "there is no such host"),
        (tls(silent().await), "it took too long to connect"),
        (tls(plain.url.clone()), "it does not speak TLS"),
    ] {
        let error = open(&options).await.write(&row("key"), &put(Guard::Always), now()).await;
        let error = error.expect_err("it is not there");
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
        assert!(error.message.contains(word), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout_within_the_deadline() {
    every_operation_fails(&impatient(&at(silent().await)).await, ErrorKind::Timeout, &[]).await;
}

#[tokio::test]
async fn a_server_that_hangs_up_is_unavailable_and_may_have_done_it() {
    let options = at(hanging_up().await);
    every_operation_fails(&impatient(&options).await, ErrorKind::Unavailable, &["broke"]).await;
    let error = open(&options).await.write(&row("key"), &put(Guard::Always), now()).await;
    let error = error.expect_err("it hangs up");
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::Unknown), "{error:?}");
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000)
}

#[tokio::test]
async fn every_status_has_its_kind_and_says_what_became_of_the_write() {
    use Effect::{NotApplied, Unknown};
    for (code, kind, effect) in [
        (1, ErrorKind::Unavailable, Unknown),
        (2, ErrorKind::Unavailable, Unknown),
        (3, ErrorKind::Internal, NotApplied),
        (4, ErrorKind::Timeout, Unknown),
        (NOT_FOUND, ErrorKind::NotProvisioned, NotApplied),
        (6, ErrorKind::Internal, NotApplied),
        (7, ErrorKind::Unauthorized, NotApplied),
        (8, ErrorKind::Throttled, NotApplied),
        (FAILED_PRECONDITION, ErrorKind::NotProvisioned, NotApplied),
        (10, ErrorKind::Throttled, NotApplied),
        (11, ErrorKind::Internal, Unknown),
        (12, ErrorKind::Internal, Unknown),
        (13, ErrorKind::Unavailable, Unknown),
        (14, ErrorKind::Unavailable, Unknown),
        (15, ErrorKind::Unavailable, Unknown),
        (16, ErrorKind::Unauthorized, NotApplied),
        (99, ErrorKind::Unavailable, Unknown),
    ] {
        let server = answering(move || status(code)).await;
        let driver = open(&at(&server.url)).await;
        let error = driver.write(&row("key"), &put(Guard::Always), now()).await.expect_err("an error");
        assert_eq!((error.kind, error.effect), (kind, effect), "{code}: {error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "the server's words are not repeated: {error:?}");
        let error = driver.get(&row("key"), FULL).await.expect_err("never a miss");
        assert_eq!(error.kind, kind, "{code}: {error:?}");
        assert_eq!(server.connections(), 1, "an answer does not end a connection");
    }
}

#[tokio::test]
async fn a_precondition_that_does_not_hold_is_no_error_and_a_guard_of_elsewhere_is_not_sent() {
    let seen = Revision::Platform("1767225600.000001000".into());
    for code in [NOT_FOUND, 6, FAILED_PRECONDITION] {
        let server = answering(move || status(code)).await;
        let driver = open(&at(&server.url)).await;
        for guard in [Guard::Absent, Guard::Revision(seen.clone())] {
            let reply = driver.write(&row("key"), &put(guard), now()).await.expect("an answer");
            assert_eq!(reply, WriteReply::Refused(Observed::NotReturned));
        }
        assert_eq!(server.asked().len(), 2);
        let etag = Revision::Platform("W/\"datetime'2026-01-01T00%3A00%3A00.1234567Z'\"".into());
        let write_id = Revision::WriteId(put(Guard::Always).stamp.id);
        for guard in [Guard::Live, Guard::Revision(etag), Guard::Revision(write_id)] {
            let reply = driver.write(&row("key"), &put(guard), now()).await.expect("an answer");
            assert_eq!(reply, WriteReply::Refused(Observed::NotReturned));
        }
        assert_eq!(server.asked().len(), 2, "nothing was sent");
    }
}

#[tokio::test]
async fn answers_that_are_none_of_firestores_have_kinds_of_their_own() {
    for (code, kind, effect, words) in [
        (401, ErrorKind::Unauthorized, Effect::NotApplied, "401"),
        (403, ErrorKind::Unauthorized, Effect::NotApplied, "403"),
        (404, ErrorKind::NotConfigured, Effect::NotApplied, "is endpointUrl right"),
        (429, ErrorKind::Throttled, Effect::NotApplied, "429"),
        (500, ErrorKind::Unavailable, Effect::Unknown, "500"),
        (503, ErrorKind::Unavailable, Effect::Unknown, "503"),
        (200, ErrorKind::Unavailable, Effect::Unknown, "no gRPC"),
    ] {
        let server = answering(move || http(code, "hunter2")).await;
        let driver = open(&at(&server.url)).await;
        let error = driver.write(&row("key"), &put(Guard::Always), now()).await.expect_err("an error");
        assert_eq!((error.kind, error.effect), (kind, effect), "{code}: {error:?}");
        assert!(error.message.contains(words), "{code}: {error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_lacks_something_is_no_answer() {
    // Success, and nothing else: no document, no update time, no status of a batch.
    let server = answering(|| status(0)).await;
    let driver = open(&at(&server.url)).await;
    let error = driver.get(&row("key"), FULL).await.expect_err("never a miss");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    let error = driver.write(&row("key"), &put(Guard::Always), now()).await.expect_err("never stored");
    assert_eq!(error.effect, Effect::Unknown, "{error:?}");
    // An empty message for each.
    let server = answering(|| {
        let mut answer = http(200, vec![0, 0, 0, 0, 0]);
        answer.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        answer.headers_mut().insert("grpc-status", HeaderValue::from_static("0"));
        answer
    })
    .await;
    let driver = open(&at(&server.url)).await;
    driver.get(&row("key"), FULL).await.expect_err("never a miss");
    let error = driver.write(&row("key"), &put(Guard::Always), now()).await.expect_err("never stored");
    assert_eq!(error.effect, Effect::Unknown, "{error:?}");
    let batch = driver.write_batch(&[(row("key"), put(Guard::Always))], now()).await;
    assert!(!format!("{batch:?}").contains("Applied("), "{batch:?}");
}

#[tokio::test]
async fn a_status_behind_a_message_counts() {
    for (code, kind) in [(0, None), (8, Some(ErrorKind::Throttled)), (14, Some(ErrorKind::Unavailable))] {
        // A whole message, and it is an answer to a delete.
        let server = answering(move || followed_by(code, vec![0, 0, 0, 0, 0])).await;
        let driver = open(&at(&server.url)).await;
        let delete = Write { mutation: Mutation::Delete, ..put(Guard::Always) };
        let outcome = driver.write(&row("key"), &delete, now()).await;
        assert_eq!(outcome.err().map(|error| error.kind), kind, "{code}");
    }
}

#[tokio::test]
async fn an_answer_in_an_encoding_that_nobody_asked_for_is_not_asked_for_again() {
    for (encoding, kind) in [("gzip", ErrorKind::Internal), ("identity", ErrorKind::Unavailable)] {
        // Said to be compressed, and cut off behind that.
        let server = answering(move || {
            let mut answer = http(200, vec![1, 0, 0, 0, 0]);
            answer.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            answer.headers_mut().insert("grpc-encoding", HeaderValue::from_static(encoding));
            answer
        })
        .await;
        let driver = open(&at(&server.url)).await;
        let error = driver.write(&row("key"), &put(Guard::Always), now()).await.expect_err("unreadable");
        let is_retried = kind == ErrorKind::Unavailable;
        assert_eq!((error.kind, error.retryable), (kind, is_retried), "{encoding}: {error:?}");
        assert_eq!(error.effect, Effect::Unknown, "{encoding}: {error:?}");
    }
}

#[tokio::test]
async fn the_servers_wish_to_wait_is_honoured() {
    // google.rpc.Status { details: [RetryInfo { retry_delay: 60 s }] }, as base64.
    const WISH: &str = "CAgaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIPA==";
    let server = answering(|| {
        let mut answer = status(8);
        answer.headers_mut().insert("grpc-status-details-bin", HeaderValue::from_static(WISH));
        answer
    })
    .await;
    let started = Instant::now();
    let error = impatient(&at(&server.url)).await.get("key").await.expect_err("it is throttled");
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(Duration::from_secs(60))));
    assert!(started.elapsed() < Duration::from_secs(2), "the pause would outlast the deadline");
}

#[tokio::test]
async fn a_batch_cannot_touch() {
    let touch =
        Write { mutation: Mutation::Touch { expires_at: larder_core::Expiry::NEVER }, ..put(Guard::Always) };
    let driver = open(&at(closed().await)).await;
    let error = driver.write_batch(&[(row("key"), touch)], now()).await.expect_err("it is refused");
    assert_eq!((error.kind, error.effect), (ErrorKind::Internal, Effect::NotApplied));
}

#[tokio::test]
async fn bad_options_are_refused_before_any_request() {
    for url in [
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://",
        "http:///path",
        "http://127.0.0.1/path",
        "",
        "http://user:hunter2@127.0.0.1",
        "http://127.0.0.1?token=hunter2",
    ] {
        let error = FirestoreDriver::open(at(url)).await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("endpointUrl"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for (options, field) in [
        (FirestoreOptions::new("", "cache"), "projectId"),
        (FirestoreOptions::new("a/b", "cache"), "projectId"),
        (FirestoreOptions::new("project", "cache").database("dätabase"), "databaseId"),
        (FirestoreOptions::new("project", "cache").database(".."), "databaseId"),
        (FirestoreOptions::new("project", "__x__"), "collectionName"),
        (FirestoreOptions::new("project", "a\nb"), "collectionName"),
        (FirestoreOptions::new("project", "x".repeat(1_501)), "collectionName"),
    ] {
        let error = FirestoreDriver::open(options).await.expect_err(field);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(field), "{error}");
    }
}
