//! What is sent for a request, beside its message.

mod support;

use std::time::Duration;

use larder_core::Timestamp;
use larder_core::driver::{Driver, Guard, ScanRequest, ScanStart, Shard};
use tokio::time::timeout;

use support::{FULL, answering, at, open, put, row, status};

#[tokio::test]
async fn a_request_ends_with_the_frame_that_it_is_in() {
    let server = answering(|| status(5)).await;
    let driver = open(&at(&server.url)).await;
    let now = Timestamp::from_millis(1_767_225_600_000);
    let scan = ScanRequest {
        shard: Shard(0),
        start: ScanStart::At("a".to_owned()),
        end: "b".to_owned(),
        limit: 1,
        max_bytes: 1,
        read: FULL,
    };
    let asking = async {
        // The server knows no such database.
        drop(driver.get(&row("key"), FULL).await);
        drop(driver.write(&row("key"), &put(Guard::Always), now).await);
        drop(driver.write_batch(&[(row("key"), put(Guard::Always))], now).await);
        drop(driver.scan(&scan).await);
    };
    timeout(Duration::from_secs(20), asking).await.expect("it answers at once");
    let asked = server.asked();
    let methods: Vec<_> =
        asked.iter().map(|asked| asked.path.rsplit('/').next().unwrap_or_default()).collect();
    assert_eq!(methods, ["BatchGetDocuments", "Commit", "BatchWrite", "RunQuery"]);
    for asked in asked {
        // Before the message: that it is not compressed, and its length.
        let (head, message) = asked.body.split_at(5);
        let len = u32::try_from(message.len()).expect("a short one").to_be_bytes();
        assert_eq!((head[0], &head[1..]), (0, &len[..]), "{}", asked.path);
        assert_eq!(asked.frames, 1, "{}", asked.path);
    }
}
