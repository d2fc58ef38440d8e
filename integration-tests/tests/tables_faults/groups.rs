//! The answer to a group, cut off between the answers to its rows and within them.

use integration_tests::proxy::{Answer, Fault, Rule};
use larder_core::driver::Shard;
use larder_core::{CanonicalKey, ErrorKind, Layout, PutOptions};

use crate::bench::Bench;

/// Keys of one shard, so that they are one group.
fn keys() -> Vec<String> {
    let layout = Layout::new(16);
    let shard = |key: &String| layout.shard_of(&CanonicalKey::from_canonical(key).expect("canonical"));
    (0..).map(|number| format!("key-{number}")).filter(|key| shard(key) == Shard(0)).take(5).collect()
}

/// The places in an answer at which one row's answer ends and the next begins, and some within every one.
fn places(answer: &str) -> Vec<usize> {
    let between = answer.match_indices("--changesetresponse").map(|(at, _)| at);
    let status = answer.match_indices("HTTP/1.1 ").map(|(at, found)| at + found.len() + 1);
    let lower = answer.to_ascii_lowercase();
    let etags: Vec<_> = lower.match_indices("etag: ").map(|(at, found)| at + found.len() + 12).collect();
    let mut places: Vec<_> = between.chain(status).chain(etags).collect();
    places.sort_unstable();
    places
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_answer_is_cut_off_anywhere_tells_what_became_of_every_row() {
    let bench = Bench::new().await;
    let keys = keys();
    let put = async |value: &str| {
        let stored = bench.kv.put_many(keys.iter().map(|key| (key, value)), None).await;
        stored.expect("a batch")
    };
    bench.proxy.reset().await;
    assert!(put("whole").await.iter().all(Result::is_ok));
    let log = bench.proxy.settled().await;
    let [group] = &log[..] else { panic!("one group: {log:?}") };
    let answer = group.upstream.as_ref().expect("an answer");
    let places = places(std::str::from_utf8(&answer.body).expect("text"));
    assert!(places.len() > 3 * keys.len(), "{places:?}");
    for keep in places {
        let what = format!("{keep} of {} bytes", answer.body.len());
        bench.proxy.reset().await;
        bench.proxy.rules([Rule::on("POST").first(1).with(Fault::CutReply { keep })]).await;
        let stored = put(&what).await;
        assert_eq!(bench.proxy.settled().await[0].faults.len(), 1, "{what}: nothing was cut");
        // The server has done it, and every row shows whose it is.
        for (key, version) in keys.iter().zip(stored) {
            let version = version.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(bench.truth.get_text(key).await.expect("a read").as_deref(), Some(&*what));
            let swap = PutOptions::new().if_version(version);
            assert!(bench.truth.put(key, "swapped", swap).await.expect("a put").is_stored(), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_was_lost_with_a_part_of_an_answer_is_not_said_to_be_done() {
    let bench = Bench::new().await;
    let keys = keys();
    // What came back of an answer to nobody's group: its first row is done, of the others there is no word.
    let part = "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n\
        --changesetresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
        HTTP/1.1 204 No Content\r\nETag: W/\"1\"\r\n\r\n";
    let answer =
        Answer::status(202).header("content-type", "multipart/mixed; boundary=batchresponse_1").body(part);
    bench.proxy.reset().await;
    bench.proxy.rules([Rule::on("POST").first(1).with(Fault::Answer(answer))]).await;
    let stored = bench.kv.put_many(keys.iter().map(|key| (key, "value")), None).await.expect("a batch");
    for (key, version) in keys.iter().zip(stored) {
        let there = bench.truth.get_text(key).await.expect("a read");
        // Sent again, or in doubt: what is said to be stored is there.
        match version {
            Ok(_) => assert_eq!(there.as_deref(), Some("value"), "{key}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Ambiguous, "{key}: {error}"),
        }
    }
    bench.proxy.settled().await;
}
