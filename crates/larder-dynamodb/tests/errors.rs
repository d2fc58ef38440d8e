//! What goes wrong between a service and its table: each its own kind, never a miss, never a hang.

mod support;

use std::time::{Duration, Instant};

use larder_conformance::{emulator, every_operation_fails};
use larder_core::driver::{Driver, Effect, Guard, Mutation, Write};
use larder_core::record::WriteStamp;
use larder_core::{ErrorKind, PutOptions, ScanOptions, Timestamp};
use larder_dynamodb::testing::{create_table_with, put_raw, put_record, spoil};
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};

use support::{
    FULL, REGION, answering, fresh_name, full_queue, hanging_up, impatient, keys, open, row, silent, table,
};

#[tokio::test]
async fn a_missing_table_is_not_provisioned() {
    let name = fresh_name();
    let options = DynamoDbOptions::new(&name, REGION).endpoint_url(emulator("dynoxide")).credentials(keys());
    let words = ["no such table", &name, REGION, "create it"];
    every_operation_fails(&impatient(&options).await, ErrorKind::NotProvisioned, &words).await;
}

#[tokio::test]
async fn a_wrong_region_has_no_such_table() {
    let mut options = DynamoDbOptions::new(fresh_name(), REGION).credentials(keys());
    options.endpoint_url = Some(emulator("ministack"));
    larder_dynamodb::testing::create_table(&open(&options).await).await.expect("the table is made");
    impatient(&options).await.put("key", "value", PutOptions::new()).await.expect("the right region works");
    options.region = "ap-south-1".into();
    every_operation_fails(&impatient(&options).await, ErrorKind::NotProvisioned, &["ap-south-1"]).await;
}

#[tokio::test]
async fn a_table_with_another_key_is_not_larders() {
    let options =
        DynamoDbOptions::new(fresh_name(), REGION).endpoint_url(emulator("dynoxide")).credentials(keys());
    create_table_with(&open(&options).await, "id", None).await.expect("the table is made");
    every_operation_fails(
        &impatient(&options).await,
        ErrorKind::NotProvisioned,
        &["primary key", "pk and sk"],
    )
    .await;
}

#[tokio::test]
async fn rows_of_something_else_are_refused() {
    let options = table().await;
    put_raw(&open(&options).await, "00", "customer-1").await.expect("a row");
    every_operation_fails(
        &impatient(&options).await,
        ErrorKind::NotProvisioned,
        &["rows but no layout record"],
    )
    .await;
    // In a partition that none of Larder's tables has: the table is another program's all the same.
    let options = table().await;
    put_raw(&open(&options).await, "CUSTOMER#1", "ORDER#1").await.expect("a row");
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
    for key in ["a", "c", "e"] {
        kv.put(key, "value", PutOptions::new()).await.expect("a put");
    }
    let driver = open(&options).await;
    for (partition, key) in [("00", "b~"), ("0F", "d é")] {
        put_raw(&driver, partition, key).await.expect("a row");
    }
    // By pages of one, so that a page ends at each of them, and through text.
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let options = ScanOptions::new().limit(1).cursor(cursor);
        let page = kv.scan_page("", options).await.expect("the scan goes on");
        found.extend(page.items.into_iter().map(|item| match item {
            Ok(entry) => entry.key().to_owned(),
            Err(error) => format!("{} {:?}", error.kind(), error.key()),
        }));
        cursor = page.cursor.map(|cursor| cursor.to_string().parse().expect("a cursor"));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", r#"corrupt Some("b~")"#, "c", r#"corrupt Some("d é")"#, "e"]);
    let all = kv.scan_collect("", 10).await.expect("the scan goes on").items;
    assert_eq!(all.iter().filter(|item| item.is_err()).count(), 2);
    assert_eq!(kv.scan_collect("d", 10).await.expect("the scan goes on").items.len(), 1);
}

#[tokio::test]
async fn a_lost_layout_is_noticed_whatever_the_handle_would_make() {
    let options = table().await;
    let kv = impatient(&options).await;
    for number in 0..64 {
        kv.put(format!("key-{number}"), "value", PutOptions::new()).await.expect("a put");
    }
    larder_dynamodb::testing::remove_layout(&open(&options).await).await.expect("it is removed");
    for shards in [1, 4, 16] {
        let kv = impatient(&options.clone().shards(shards)).await;
        every_operation_fails(&kv, ErrorKind::NotProvisioned, &["rows but no layout record"]).await;
    }
}

#[tokio::test]
async fn a_row_that_something_else_wrote_is_corrupt_and_can_be_mended() {
    let options = table().await;
    let kv = impatient(&options).await;
    kv.put("good", "value", PutOptions::new()).await.expect("a put");
    let key = larder_core::CanonicalKey::from_canonical("bad").expect("canonical");
    let shard = larder_core::Layout::new(16).shard_of(&key);
    spoil(&open(&options).await, &larder_core::driver::RowKey { shard, key }).await.expect("a row");
    assert_eq!(kv.get("bad").await.expect_err("no record").kind(), ErrorKind::Corrupt);
    let page = kv.scan_page("", ScanOptions::new()).await.expect("the scan goes on");
    assert_eq!(page.items.iter().filter(|item| item.is_ok()).count(), 1);
    let corrupt = page.items.iter().find_map(|item| item.as_ref().err()).expect("named");
    assert_eq!((corrupt.kind(), corrupt.key()), (ErrorKind::Corrupt, Some("bad")));
    kv.put("bad", "mended", PutOptions::new()).await.expect("a put mends it");
    assert_eq!(kv.get_text("bad").await.expect("it reads").as_deref(), Some("mended"));
}

#[tokio::test]
async fn a_namespace_goes_on_behind_rows_that_are_no_keys() {
    let options = table().await;
    let kv = impatient(&options).await.with_prefix("ns").expect("a namespace");
    kv.put("a", "value", PutOptions::new()).await.expect("a put");
    let driver = open(&options).await;
    for key in ["ns:#1", "ns: x", "ns:!x"] {
        put_raw(&driver, "00", key).await.expect("a row");
    }
    let (mut found, mut cursor) = (0, None);
    loop {
        let page = kv.scan_page("", ScanOptions::new().limit(1).cursor(cursor)).await.expect("it goes on");
        found += page.items.len();
        cursor = page.cursor.map(|cursor| cursor.to_string().parse().expect("a cursor"));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, 4);
}

#[tokio::test]
async fn a_row_in_another_shard_than_its_keys_is_no_entry() {
    let options = table().await;
    let kv = impatient(&options).await;
    kv.put("a", "right", PutOptions::new()).await.expect("a put");
    // As a table of other shards leaves it that was restored into this one.
    let driver = open(&options).await;
    for name in ["a", "b"] {
        let key = larder_core::CanonicalKey::from_canonical(name).expect("canonical");
        let shard = larder_core::Layout::new(16).shard_of(&key).0;
        let row = larder_core::driver::RowKey { shard: larder_core::driver::Shard((shard + 1) % 16), key };
        put_record(&driver, &row, "stray").await.expect("a row");
    }
    assert_eq!(kv.get_text("a").await.expect("a read").as_deref(), Some("right"));
    assert_eq!(kv.get("b").await.expect("a read"), None);
    let page = kv.scan_page("", ScanOptions::new()).await.expect("a page");
    let entries: Vec<_> = page.items.iter().flatten().map(|entry| (entry.key(), entry.value())).collect();
    assert_eq!(entries.len(), 1, "what reads do not find is not there");
    assert_eq!(entries[0], ("a", &bytes::Bytes::from("right")));
    let strays: Vec<_> = page.items.iter().filter_map(|item| item.as_ref().err()).collect();
    assert_eq!(strays.iter().map(|stray| stray.key()).collect::<Vec<_>>(), [Some("a"), Some("b")]);
    for stray in strays {
        assert_eq!(stray.kind(), ErrorKind::Corrupt);
        assert!(stray.to_string().contains("another shard"), "{stray}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_connection_is_unavailable_and_nothing_was_sent() {
    let full = full_queue().await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(&full.url).credentials(keys());
    let options = options.connect_timeout(Duration::from_millis(200));
    every_operation_fails(&impatient(&options).await, ErrorKind::Unavailable, &["cannot be reached"]).await;
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
        larder_dynamodb::testing::put_layout(&open(&options).await, layout).await.expect("a layout record");
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
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(&url).credentials(keys());
    every_operation_fails(&impatient(&options).await, ErrorKind::Unavailable, &["cannot be reached", &url])
        .await;
    let nowhere =
        DynamoDbOptions::new("cache", REGION).endpoint_url("http://no-such-host.invalid").credentials(keys());
    let error = impatient(&nowhere).await.get("key").await.expect_err("no such host");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout_within_the_deadline() {
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(silent().await).credentials(keys());
    every_operation_fails(&impatient(&options).await, ErrorKind::Timeout, &[]).await;
}

#[tokio::test]
async fn a_server_that_hangs_up_is_unavailable() {
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(hanging_up().await).credentials(keys());
    every_operation_fails(&impatient(&options).await, ErrorKind::Unavailable, &["broke"]).await;
}

/// DynamoDB's own words, as its documentation gives them.
const EXPIRED: &str = r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token included in the request is expired"}"#;
const THROTTLED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#;
const NEW_THROTTLE: &str = r#"{"__type":"a#SomethingNewException","message":"slow down"}"#;
const TOO_SLOW: &str = r#"{"__type":"a#RequestTimeoutException","message":"the socket was idle"}"#;
const DENIED: &str = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:iam::1:user/hunter2 is not authorized to perform: dynamodb:GetItem"}"#;

#[tokio::test]
async fn refusals_have_kinds_of_their_own() {
    let json = "content-type: application/x-amz-json-1.0\r\n";
    for (status, headers, body, kind, words) in [
        ("400 Bad Request", json, EXPIRED, ErrorKind::Unauthorized, "has expired"),
        ("400 Bad Request", json, DENIED, ErrorKind::Unauthorized, "AccessDeniedException"),
        ("400 Bad Request", json, THROTTLED, ErrorKind::Throttled, "asks to slow down"),
        ("429 Too Many Requests", "", "", ErrorKind::Throttled, "429"),
        ("429 Too Many Requests", json, NEW_THROTTLE, ErrorKind::Throttled, "429"),
        ("403 Forbidden", json, NEW_THROTTLE, ErrorKind::Unauthorized, "SomethingNewException"),
        ("400 Bad Request", json, NEW_THROTTLE, ErrorKind::Internal, "SomethingNewException"),
        ("403 Forbidden", "", "<html>", ErrorKind::Unauthorized, "403"),
        ("404 Not Found", "", "<html>", ErrorKind::NotConfigured, "is no DynamoDB"),
        ("408 Request Timeout", "", "", ErrorKind::Unavailable, "whole request"),
        ("408 Request Timeout", "", "<html>hunter2", ErrorKind::Unavailable, "whole request"),
        ("408 Request Timeout", json, "{}", ErrorKind::Unavailable, "whole request"),
        ("408 Request Timeout", json, TOO_SLOW, ErrorKind::Unavailable, "whole request"),
        ("500 Internal Server Error", "", "", ErrorKind::Unavailable, "500"),
        ("503 Service Unavailable", json, "{}", ErrorKind::Unavailable, "503"),
        ("200 OK", json, "{\"Item\":{\"w\"", ErrorKind::Unavailable, "could not be read"),
        ("200 OK", json, "", ErrorKind::Unavailable, "could not be read"),
        ("200 OK", "x-amz-crc32: 1\r\n", "{}", ErrorKind::Unavailable, "could not be read"),
    ] {
        let options = DynamoDbOptions::new("cache", REGION)
            .endpoint_url(answering(status, headers, body).await)
            .credentials(keys());
        let error = impatient(&options).await.get("key").await.expect_err(status);
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        assert!(error.to_string().contains(words), "{words:?} is not in {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn what_is_no_answer_to_a_scan_or_a_batch_is_no_miss() {
    // The layout record is found; nothing else is said.
    let layout = r#"{"Item":{"w":{"B":"AAECAwQFBgcICQoLDA0ODw=="},"wt":{"N":"1"},"exp":{"N":"9223372036854775807"},
        "v":{"B":"eyJ2ZXJzaW9uIjoxLCJtaW5SZWFkZXIiOjEsIm1pbldyaXRlciI6MSwic2hhcmRzIjo0LCJoYXNoIjoieHhoNjQifQ=="}},
        "message":"hunter2"}"#;
    let url = answering("200 OK", "content-type: application/x-amz-json-1.0\r\n", layout).await;
    let kv = impatient(&DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys())).await;
    let page = kv.scan_page("", ScanOptions::new()).await.expect_err("no page");
    let batch = kv.get_many(["a", "b"]).await.expect("a list");
    let errors = batch.into_iter().map(|answer| answer.expect_err("no answer"));
    for error in std::iter::once(page).chain(errors) {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let url = answering("503 Service Unavailable", "retry-after: 60\r\n", "").await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
    let started = Instant::now();
    let error = impatient(&options).await.get("key").await.expect_err("it is down");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert!(started.elapsed() < Duration::from_secs(2), "the pause would outlast the deadline");
}

#[tokio::test]
async fn a_wish_to_wait_is_an_hour_at_most_and_a_number_of_seconds() {
    let hour = Duration::from_secs(60 * 60);
    for (headers, wish) in [
        ("retry-after: 0\r\n", Some(Duration::ZERO)),
        ("retry-after: 3599\r\n", Some(Duration::from_secs(3_599))),
        ("retry-after: 3600\r\n", Some(hour)),
        ("retry-after: 3601\r\n", Some(hour)),
        // Added to a time, it would leave the range of times.
        ("retry-after: 18446744073709551615\r\n", Some(hour)),
        ("retry-after: 18446744073709551616\r\n", None),
        ("retry-after: -1\r\n", None),
        ("retry-after: 1.5\r\n", None),
        ("retry-after: Thu, 01 Jan 2026 00:00:00 GMT\r\n", None),
        ("retry-after: \r\n", None),
        ("", None),
    ] {
        for status in ["408 Request Timeout", "429 Too Many Requests", "503 Service Unavailable"] {
            let options = DynamoDbOptions::new("cache", REGION)
                .endpoint_url(answering(status, headers, "").await)
                .credentials(keys());
            let driver = open(&options).await;
            let error = driver.get(&row("key"), FULL).await.expect_err(status);
            assert_eq!(error.retry_after, wish, "{status}: {headers}");
        }
    }
}

/// The service says that it did not get it: a write was not applied, and may be sent again.
#[tokio::test]
async fn a_request_that_did_not_arrive_whole_is_sent_again() {
    let json = "content-type: application/x-amz-json-1.0\r\n";
    for body in ["", TOO_SLOW] {
        let options = DynamoDbOptions::new("cache", REGION)
            .endpoint_url(answering("408 Request Timeout", json, body).await)
            .credentials(keys());
        let delete = Write {
            mutation: Mutation::Delete,
            guard: Guard::Always,
            stamp: WriteStamp::new(Timestamp::from_millis(0)),
        };
        let driver = open(&options).await;
        let error = driver.write(&row("key"), &delete, Timestamp::from_millis(0)).await.expect_err("no");
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
        assert!(error.retryable, "{error:?}");
    }
}

#[tokio::test]
async fn bad_options_are_refused_before_any_request() {
    for url in [
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://",
        "http:///path",
        "",
        "http://user:hunter2@127.0.0.1",
        "http://127.0.0.1?token=hunter2",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://two words",
    ] {
        let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
        let error = DynamoDbDriver::open(options).await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("endpointUrl"), "{error}");
    }
    let shouting = emulator("dynoxide").replace("http://", "HTTP://");
    let options = DynamoDbOptions::new(fresh_name(), REGION).endpoint_url(shouting).credentials(keys());
    let error = impatient(&options).await.get("key").await.expect_err("no table");
    assert_eq!(error.kind(), ErrorKind::NotProvisioned, "a scheme has no case: {error}");
    for shards in [0, 2, 3, 17, 256] {
        let options = DynamoDbOptions::new("cache", REGION).credentials(keys()).shards(shards);
        let error = DynamoDbDriver::open(options).await.expect_err("not offered");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[tokio::test]
async fn no_debug_output_shows_a_credential() {
    let secret = Credentials::Keys {
        id: "hunter2id".into(),
        secret: "hunter2secret".into(),
        session_token: Some("hunter2token".into()),
    };
    let options = DynamoDbOptions::new("cache", REGION)
        .endpoint_url(answering("500 Oops", "", "").await)
        .credentials(secret);
    let kv = impatient(&options).await;
    let error = kv.get("key").await.expect_err("it is down");
    let shown = format!("{options:?} {:?} {kv:?} {error:?} {error}", open(&options).await);
    assert!(!shown.contains("hunter2"), "{shown}");
}
