//! What is sent for a request, beside its message.

mod support;

use std::time::Duration;

use larder_core::driver::{Driver, Guard, Mutation, ScanRequest, ScanStart, Shard};
use larder_core::{MAX_KEY_BYTES, MAX_VALUE_BYTES, Timestamp};
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

#[tokio::test]
async fn a_message_longer_than_a_frame_ends_with_its_last_one() {
    let server = answering(|| status(5)).await;
    let driver = open(&at(&server.url)).await;
    let now = Timestamp::from_millis(1_767_225_600_000);
    let mut write = put(Guard::Always);
    let Mutation::Put { value, .. } = &mut write.mutation else { unreachable!("a put") };
    *value = vec![7; MAX_VALUE_BYTES].into();
    let row = row(&"k".repeat(MAX_KEY_BYTES));
    let asking = async { drop(driver.write(&row, &write, now).await) };
    timeout(Duration::from_secs(20), asking).await.expect("it answers at once");
    let asked = server.asked();
    let [asked] = &asked[..] else { panic!("{} requests", asked.len()) };
    assert!(asked.body.len() > MAX_VALUE_BYTES + MAX_KEY_BYTES, "{} bytes", asked.body.len());
    // A frame has 16 KiB unless both sides agree on more.
    assert_eq!(asked.frames, asked.body.len().div_ceil(16 * 1024), "{} bytes", asked.body.len());
    let mut len = [0; 4];
    len.copy_from_slice(&asked.body[1..5]);
    assert_eq!(u32::from_be_bytes(len) as usize, asked.body.len() - 5);
}
