//! What is sent, and what is made of answers that an emulator does not give.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use larder_conformance::server::{Seen, Server};
use larder_core::driver::{
    Driver, Guard, Mutation, Observed, Projection, Read, RowKey, ScanRequest, ScanStart, Shard, Write,
    WriteReply,
};
use larder_core::record::{Revision, WriteStamp};
use larder_core::{CanonicalKey, Consistency, ErrorKind, Expiry, Kv, Timestamp};

use support::server::{SERVICE, empty_table};
use support::{impatient, open, table_at};

const FULL: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

fn row(key: &str) -> RowKey {
    RowKey { shard: Shard(10), key: CanonicalKey::from_canonical(key).expect("canonical") }
}

fn put(guard: Guard) -> Write {
    let value = "hello".into();
    let mutation = Mutation::Put { value, expires_at: Expiry::NEVER, register: None };
    Write { mutation, guard, stamp: WriteStamp::new(Timestamp::from_millis(0)) }
}

/// An account that leaves the `Server` header out, as some do.
async fn served() -> Server {
    Server::start(|request: &Seen| match request.line().split(' ').next() {
        Some("GET") => empty_table(request),
        _ => ("204 No Content", format!("{SERVICE}etag: W/\"2\"\r\n"), String::new()),
    })
    .await
}

#[tokio::test]
async fn every_request_is_as_the_layout_says() {
    let served = served().await;
    let driver = open(&table_at(&served.url)).await;
    let now = Timestamp::from_millis(0);
    let etag = Guard::Revision(Revision::Platform("W/\"1\"".into()));
    let change = |mutation, guard| Write { mutation, guard, stamp: WriteStamp::new(now) };
    let touch = || Mutation::Touch { expires_at: Expiry::NEVER };
    for write in [
        put(Guard::Always),
        put(Guard::Absent),
        put(etag.clone()),
        change(touch(), etag.clone()),
        change(Mutation::Delete, Guard::Always),
        change(Mutation::Delete, etag.clone()),
    ] {
        let reply = driver.write(&row("user:1~2F"), &write, now).await.expect("a write");
        assert!(matches!(reply, WriteReply::Applied(_)), "{reply:?}");
    }
    let meta = Read { projection: Projection::Meta, ..FULL };
    driver.get(&row("a"), FULL).await.expect("a read");
    driver.get(&row("a"), meta).await.expect("a read");

    let entity = "/devstoreaccount1/cache(PartitionKey='0A',RowKey='user:1~2F') HTTP/1.1";
    let other = "/devstoreaccount1/cache(PartitionKey='0A',RowKey='a')";
    let expected = [
        (format!("PUT {entity}"), None),
        ("POST /devstoreaccount1/cache HTTP/1.1".to_owned(), None),
        (format!("PUT {entity}"), Some("W/\"1\"")),
        (format!("MERGE {entity}"), Some("W/\"1\"")),
        (format!("DELETE {entity}"), Some("*")),
        (format!("DELETE {entity}"), Some("W/\"1\"")),
        (format!("GET {other} HTTP/1.1"), None),
        (format!("GET {other}?%24select=exp%2Cw HTTP/1.1"), None),
    ];
    let seen = served.seen();
    assert_eq!(seen.len(), expected.len());
    for (request, (line, if_match)) in seen.iter().zip(&expected) {
        assert_eq!((request.line(), request.header("if-match")), (line.as_str(), *if_match));
        assert!(
            request
                .header("authorization")
                .is_some_and(|value| value.starts_with("SharedKey devstoreaccount1:"))
        );
        assert!(request.header("x-ms-version").is_some() && request.header("x-ms-date").is_some());
        assert_eq!(request.header("accept"), Some("application/json;odata=minimalmetadata"));
    }
    assert_eq!(seen[1].header("prefer"), Some("return-no-content"));
    assert!(!seen[3].body.contains("\"v\""), "a touch sends no value: {}", seen[3].body);
}

/// A condition that Azure has no words for, and a version of another platform, cost no request.
#[tokio::test]
async fn what_cannot_be_asked_is_not_sent() {
    let served = served().await;
    let driver = open(&table_at(&served.url)).await;
    for guard in [
        Guard::Live,
        Guard::Revision(Revision::Platform("1767225600.123456000".into())),
        Guard::Revision(Revision::Platform("W/\"1\"\r\nx-injected: 1\r\n\"".into())),
        Guard::Revision(Revision::WriteId(larder_core::record::WriteId::random())),
    ] {
        let reply = driver.write(&row("a"), &put(guard), Timestamp::from_millis(0)).await.expect("a write");
        assert_eq!(reply, WriteReply::Refused(Observed::NotReturned));
    }
    assert!(served.seen().is_empty());
}

fn scan(limit: usize, max_bytes: usize) -> ScanRequest {
    let start = ScanStart::At("k".into());
    ScanRequest { shard: Shard(10), start, end: "k\u{7f}".into(), limit, max_bytes, read: FULL }
}

/// Small values let more rows be asked for at once; rows that are larger than those before them are asked for again, a few at
/// a time, and none is left out.
#[tokio::test]
async fn how_many_rows_are_asked_for_follows_the_values() {
    let large = "AAAA".repeat(8 * 1024);
    let served = Server::start(move |request: &Seen| {
        let top = request.line().split_once("top=").expect("a limit").1.split([' ', '&']).next();
        let top: usize = top.expect("a limit").parse().expect("a number");
        // Behind `kb` every value is large.
        let is_large = request.line().contains("kb");
        let rows: Vec<_> = (0..top.min(700))
            .map(|number| {
                let row = stored(&format!("kb{number:04}"));
                if is_large { row.replace("aGVsbG8=", &large) } else { row }
            })
            .collect();
        ("200 OK", SERVICE.to_owned(), format!(r#"{{"odata.metadata":"m","value":[{}]}}"#, rows.join(",")))
    })
    .await;
    let driver = open(&table_at(&served.url)).await;
    let wide = scan(1_000, 1024 * 1024);
    assert_eq!(driver.scan(&wide).await.expect("a page").rows.len(), 128);
    let reply = driver.scan(&wide).await.expect("a page");
    assert_eq!((reply.rows.len(), reply.more), (700, false));
    let behind = ScanRequest { start: ScanStart::At("kb".into()), ..wide.clone() };
    let reply = driver.scan(&behind).await.expect("a page");
    // As many as the budget of bytes holds, and those behind them another time.
    assert_eq!((reply.rows.len(), reply.more), (1024 * 1024 / (24 * 1024) + 1, true));
    let few = driver.scan(&scan(3, 1024 * 1024)).await.expect("a page");
    assert_eq!(few.rows.len(), 3);
    // A few small ones tell nothing.
    driver.scan(&wide).await.expect("a page");
    let asked: Vec<_> = served
        .seen()
        .iter()
        .map(|request| {
            let (_, after) = request.line().split_once("top=").expect("a limit");
            after.split([' ', '&']).next().expect("a limit").to_owned()
        })
        .collect();
    assert_eq!(asked, ["128", "1000", "1000", "128", "3", "42"]);
}

fn stored(key: &str) -> String {
    format!(
        r#"{{"odata.etag":"W/\"1\"","PartitionKey":"0A","RowKey":"{key}","v":"aGVsbG8=","v@odata.type":"Edm.Binary",
        "exp":"9223372036854775807","exp@odata.type":"Edm.Int64",
        "w":"AAECAwQFBgcICQoLDA0ODwAAAZt22qh7","w@odata.type":"Edm.Binary"}}"#
    )
}

/// The service stops after five seconds, and where one of its servers ends: what it has not found by then may follow.
#[tokio::test]
async fn an_empty_page_is_not_the_end_of_a_scan() {
    let served = Server::start(|request: &Seen| {
        let next = |row: &str| {
            format!("{SERVICE}x-ms-continuation-NextPartitionKey: 1!4!MEE-\r\nx-ms-continuation-NextRowKey: {row}\r\n")
        };
        let page = |rows: &str| format!(r#"{{"odata.metadata":"m","value":[{rows}]}}"#);
        match request.line() {
            line if line.contains("NextRowKey=second") => ("200 OK", next("third"), page(&stored("k1"))),
            line if line.contains("NextRowKey=first") => ("200 OK", next("second"), page("")),
            _ => ("200 OK", next("first"), page("")),
        }
    })
    .await;
    let driver = open(&table_at(&served.url)).await;
    let reply = driver.scan(&scan(10, usize::MAX)).await.expect("a scan");
    assert_eq!(reply.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["k1"]);
    assert!(reply.more, "there was a continuation");
    assert_eq!(served.seen().len(), 3);
    assert!(served.seen()[1].line().contains("NextPartitionKey=1%214%21MEE-"), "{}", served.seen()[1].line());
}

#[tokio::test]
async fn a_page_stops_at_its_bytes_and_asks_for_no_more_than_the_service_gives() {
    // Values of 15 KiB, as base64.
    let served = Server::start(|_| {
        let large = "A".repeat(20 * 1_024);
        let rows = ["k1", "k2", "k3"].map(|key| stored(key).replace("aGVsbG8=", &large)).join(",");
        ("200 OK", SERVICE.to_owned(), format!(r#"{{"odata.metadata":"m","value":[{rows}]}}"#))
    })
    .await;
    let meta = |limit, max_bytes| {
        let read = Read { projection: Projection::Meta, ..FULL };
        ScanRequest { read, ..scan(limit, max_bytes) }
    };
    for (request, top, rows, more) in [
        (scan(5_000, 24 * 1_024), 3, 2, true),
        (scan(5_000, 6), 1, 1, true),
        (scan(5_000, 1 << 20), 128, 3, false),
        (scan(5_000, usize::MAX), 1_000, 3, false),
        (meta(5_000, 6), 1_000, 3, false),
        (scan(3, 24 * 1_024 + 1), 3, 2, true),
        (scan(10, usize::MAX), 10, 3, false),
        // It asked for fewer than it was to, and got them all.
        (scan(10, 47 * 1_024), 5, 3, false),
    ] {
        // One that has seen no page yet.
        let driver = open(&table_at(&served.url)).await;
        let reply = driver.scan(&request).await.expect("a scan");
        let seen = served.seen();
        let line = seen.last().expect("a request").line();
        assert!(
            line.contains(&format!("%24top={top} ")) || line.contains(&format!("%24top={top}&")),
            "{line}"
        );
        assert_eq!((reply.rows.len(), reply.more), (rows, more), "{line}");
    }
}

/// A server that leaves the continuation out where as many rows came as were asked for.
#[tokio::test]
async fn a_full_answer_to_less_than_was_wanted_is_not_the_end() {
    let served = Server::start(|_| {
        let rows = ["k1", "k2"].map(stored).join(",");
        ("200 OK", SERVICE.to_owned(), format!(r#"{{"odata.metadata":"m","value":[{rows}]}}"#))
    })
    .await;
    let driver = open(&table_at(&served.url)).await;
    let reply = driver.scan(&scan(10, 16 * 1_024)).await.expect("a scan");
    assert_eq!((reply.rows.len(), reply.more), (2, true));
    let reply = driver.scan(&scan(2, 16 * 1_024)).await.expect("a scan");
    assert_eq!((reply.rows.len(), reply.more), (2, false));
}

/// What says that it worked, and is not what this service says then, is no acknowledgement.
#[tokio::test]
async fn no_write_is_acknowledged_by_something_else() {
    for (status, headers) in [
        ("200 OK", format!("{SERVICE}etag: W/\"2\"\r\n")),
        ("202 Accepted", format!("{SERVICE}etag: W/\"2\"\r\n")),
        ("204 No Content", SERVICE.to_owned()),
        ("204 No Content", "etag: W/\"2\"\r\n".to_owned()),
    ] {
        let served = Server::start(move |_| (status, headers.clone(), String::new())).await;
        let driver = open(&table_at(&served.url)).await;
        for guard in [Guard::Always, Guard::Absent] {
            let error =
                driver.write(&row("a"), &put(guard), Timestamp::from_millis(0)).await.expect_err(status);
            assert_eq!(error.effect, larder_core::driver::Effect::Unknown, "{error:?}");
        }
    }
}

/// A put that asks for no row cannot miss one: what answers so is no table.
#[tokio::test]
async fn a_put_that_needs_no_row_misses_none() {
    let served = Server::start(empty_table).await;
    let driver = open(&table_at(&served.url)).await;
    let now = Timestamp::from_millis(0);
    for guard in [Guard::Always, Guard::Absent] {
        let error = driver.write(&row("a"), &put(guard), now).await.expect_err("no row");
        assert_eq!(error.kind, ErrorKind::NotProvisioned, "{error:?}");
    }
    let swap = put(Guard::Revision(Revision::Platform("W/\"1\"".into())));
    let reply = driver.write(&row("a"), &swap, now).await.expect("it has lost");
    assert_eq!(reply, WriteReply::Refused(Observed::Absent));
    let mutation = Mutation::Touch { expires_at: Expiry::NEVER };
    let touch = Write { mutation, ..put(Guard::Always) };
    let reply = driver.write(&row("a"), &touch, now).await.expect("it has lost");
    assert_eq!(reply, WriteReply::Refused(Observed::Absent));
    let gone = Write { mutation: Mutation::Delete, ..put(Guard::Always) };
    let reply = driver.write(&row("a"), &gone, now).await.expect("it is gone");
    assert_eq!(reply, WriteReply::Applied(None));
}

/// More deletes than an attempt has time for: what was not begun is sent again, and nothing is in doubt.
#[tokio::test]
async fn deletes_that_an_attempt_has_no_time_for_go_into_the_next() {
    let served = Server::start_waiting(|request: Seen| async move {
        tokio::time::sleep(Duration::from_millis(400)).await;
        match request.line().split(' ').next() {
            Some("DELETE") => ("204 No Content", SERVICE.to_owned(), String::new()),
            _ => empty_table(&request),
        }
    })
    .await;
    let kv = Kv::builder(open(&table_at(&served.url)).await).binding("cache").build();
    let many = kv.delete_many((0..200).map(|at| format!("k{at}"))).await.expect("a batch");
    assert!(many.iter().all(Result::is_ok), "{:?}", many.iter().find(|gone| gone.is_err()));
    let seen = served.seen();
    let lines = || seen.iter().map(Seen::line).filter(|line| line.starts_with("DELETE"));
    assert_eq!(lines().count(), 200, "none is sent twice");
    assert_eq!(lines().collect::<BTreeSet<_>>().len(), 200);
}

/// A group is all or nothing: its rows share one answer, and other groups have their own.
#[tokio::test]
async fn a_group_that_is_refused_leaves_the_others_alone() {
    let served = Server::start(|request: &Seen| {
        if !request.line().contains("$batch") {
            return empty_table(request);
        }
        let rows = request.body.matches("PUT http").count();
        let part = if request.body.contains("PartitionKey='03'") {
            let error = r#"{"odata.error":{"code":"EntityTooLarge","message":{"value":"1:too large"}}}"#;
            format!("--changesetresponse\r\n\r\nHTTP/1.1 413 Too Large\r\n\r\n{error}\r\n")
        } else {
            "--changesetresponse\r\n\r\nHTTP/1.1 204 No Content\r\nETag: W/\"7\"\r\n\r\n".repeat(rows)
        };
        (
            "202 Accepted",
            SERVICE.to_owned(),
            format!("--batchresponse\r\n\r\n{part}--changesetresponse--\r\n"),
        )
    })
    .await;
    let kv = impatient(&table_at(&served.url)).await;
    let keys: Vec<String> = (0..64).map(|at| format!("k{at}")).collect();
    let many = kv.put_many(keys.iter().map(|key| (key, "value")), None).await.expect("a batch");
    for (key, put) in keys.iter().zip(&many) {
        let canonical = CanonicalKey::from_canonical(key).expect("canonical");
        let is_third = larder_core::Layout::new(16).shard_of(&canonical) == Shard(3);
        assert_eq!(put.is_err(), is_third, "{key}: {put:?}");
    }
    let error = many.into_iter().find_map(Result::err).expect("a refusal");
    assert!(error.to_string().contains("EntityTooLarge"), "{error}");
    let groups = served.seen().iter().filter(|request| request.line().contains("$batch")).count();
    assert!(groups <= 16, "{groups} groups");
    // And where the rows are more than a request has, so that they are put in another order: each error has its own key.
    let keys: Vec<String> = (0..1_500).map(|at| format!("k{}", at % 1_400)).collect();
    let many = kv.put_many(keys.iter().map(|key| (key, "value")), None).await.expect("a batch");
    assert_eq!(many.len(), keys.len());
    for (key, put) in keys.iter().zip(&many) {
        let canonical = CanonicalKey::from_canonical(key).expect("canonical");
        let is_third = larder_core::Layout::new(16).shard_of(&canonical) == Shard(3);
        let told = put.as_ref().err().map(|error| error.key());
        assert_eq!(told, is_third.then_some(Some(&**key)), "{key}");
    }
}

/// A page that took too long is not asked for in the same size again.
#[tokio::test]
async fn a_page_that_was_given_up_is_asked_for_with_fewer_rows() {
    let served = Server::start(|request: &Seen| {
        let is_large = request.line().contains("top=1000");
        if is_large && request.line().contains("kb") {
            // No answer that anybody could read.
            return ("200 OK", SERVICE.to_owned(), r#"{"odata.metadata":"m","value":[{"#.to_owned());
        }
        let rows: Vec<_> = (0..100).map(|number| stored(&format!("kb{number:04}"))).collect();
        ("200 OK", SERVICE.to_owned(), format!(r#"{{"odata.metadata":"m","value":[{}]}}"#, rows.join(",")))
    })
    .await;
    let driver = open(&table_at(&served.url)).await;
    let wide = scan(1_000, 1024 * 1024);
    driver.scan(&wide).await.expect("a page");
    driver.scan(&wide).await.expect("a page");
    let behind = ScanRequest { start: ScanStart::At("kb".into()), ..wide };
    driver.scan(&behind).await.expect_err("it was cut short");
    driver.scan(&behind).await.expect("a page");
    let seen = served.seen();
    let tops: Vec<_> = seen.iter().map(|request| request.line().contains("top=1000")).collect();
    assert_eq!(tops, [false, true, true, false]);
}
