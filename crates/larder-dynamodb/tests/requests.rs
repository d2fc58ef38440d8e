//! What the requests say on the wire, where it decides about guarantees and costs.

mod support;

use std::sync::atomic::Ordering;

use larder_core::{Consistency, Kv, PutOptions, ScanOptions};
use larder_dynamodb::DynamoDbOptions;

use support::{REGION, counting, impatient, keys, recording, scripted};

/// The requests of an operation, without those of the layout.
async fn sent(kv: &Kv, requests: &mut tokio::sync::mpsc::UnboundedReceiver<String>) -> Vec<String> {
    // Whatever the server answers; what was asked for counts.
    let _ = kv.get("key").await;
    let _ = kv.exists("key").await;
    let _ = kv.get_many(["key"]).await;
    let _ = kv.scan_page("", ScanOptions::new()).await;
    let _ = kv.scan_keys_page("", ScanOptions::new()).await;
    let mut all = Vec::new();
    while let Ok(request) = requests.try_recv() {
        all.push(request);
    }
    all
}

#[tokio::test]
async fn every_read_is_consistent_unless_told() {
    let layout = r#"{"Item":{"w":{"B":"AAECAwQFBgcICQoLDA0ODw=="},"wt":{"N":"1"},"exp":{"N":"9223372036854775807"},
        "v":{"B":"eyJ2ZXJzaW9uIjoxLCJtaW5SZWFkZXIiOjEsIm1pbldyaXRlciI6MSwic2hhcmRzIjo0LCJoYXNoIjoieHhoNjQifQ=="}},
        "Items":[],"Responses":{}}"#;
    let (url, mut requests) = recording(layout).await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
    let strong = impatient(&options).await;
    for (consistency, says) in [
        (Consistency::Strong, r#""ConsistentRead":true"#),
        (Consistency::Eventual, r#""ConsistentRead":false"#),
    ] {
        let kv = strong.with_consistency(consistency);
        let all = sent(&kv, &mut requests).await;
        // The layout; two reads, a batch, and two scans of four shards.
        let reads = all.iter().filter(|request| !request.contains("!layout"));
        assert_eq!(reads.clone().count(), 11, "{all:#?}");
        for request in reads {
            assert!(request.contains(says), "{request}");
        }
        // A scan that goes on, the layout and what a condition is judged by are never eventual.
        for layout in all.iter().filter(|request| request.contains("!layout")) {
            assert!(layout.contains(r#""ConsistentRead":true"#), "{layout}");
        }
    }
}

#[tokio::test]
async fn a_condition_asks_for_the_item_that_it_met() {
    let (url, mut requests) = recording("{}").await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
    let kv = impatient(&options).await;
    // The store is empty, so that the layout is written: on condition that there is none.
    let _ = kv.put("key", "value", PutOptions::new()).await;
    let mut all = Vec::new();
    while let Ok(request) = requests.try_recv() {
        all.push(request);
    }
    let written = all.iter().find(|request| request.contains("PutItem")).expect("a put");
    assert!(written.contains("attribute_not_exists(pk)"), "{written}");
    assert!(written.contains(r#""ReturnValuesOnConditionCheckFailure":"ALL_OLD""#), "{written}");
    let looked = all.iter().filter(|request| request.contains("DynamoDB_20120810.Scan"));
    let looked: Vec<_> = looked.collect();
    assert_eq!(looked.len(), 1, "one look whether the table is empty: {all:#?}");
    assert!(looked[0].contains(r#""Limit":1"#) && looked[0].contains(r#""ConsistentRead":true"#));
}

/// The lines of a request that tell who sends it.
fn senders(request: &str) -> Vec<&str> {
    request.lines().filter(|line| line.to_lowercase().contains("user-agent:")).collect()
}

#[tokio::test]
async fn every_request_tells_who_sends_it_as_the_sdk_does() {
    let (url, mut requests) = recording("{}").await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
    let kv = impatient(&options).await;
    let all = sent(&kv, &mut requests).await;
    // The first is the SDK's own.
    let first = senders(&all[0]);
    assert_eq!(first.len(), 2, "{}", all[0]);
    assert!(first.iter().all(|line| line.contains("aws-sdk-rust/")), "{first:?}");
    assert!(all.len() > 2, "{all:#?}");
    for request in &all {
        assert_eq!(senders(request), first);
        // It is signed with the rest.
        assert!(request.contains(";x-amz-user-agent"), "{request}");
    }
}

fn item(key: &str, value: &str) -> String {
    format!(
        r#"{{"pk":{{"S":"00"}},"sk":{{"S":"{key}"}},"w":{{"B":"AAECAwQFBgcICQoLDA0ODw=="}},"wt":{{"N":"1"}},
            "exp":{{"N":"9223372036854775807"}},"v":{{"B":"{value}"}}}}"#
    )
}

#[tokio::test]
async fn what_a_batch_leaves_undone_is_sent_again_and_nothing_else() {
    let key = |name: &str| format!(r#"{{"pk":{{"S":"00"}},"sk":{{"S":"{name}"}}}}"#);
    // One shard; then a batch of which two keys are left undone, and one of which one item is.
    let layout =
        "eyJ2ZXJzaW9uIjoxLCJtaW5SZWFkZXIiOjEsIm1pbldyaXRlciI6MSwic2hhcmRzIjoxLCJoYXNoIjoieHhoNjQifQ==";
    let (url, mut requests) = scripted(vec![
        format!(r#"{{"Item":{}}}"#, item("!layout", layout)),
        format!(
            r#"{{"Responses":{{"cache":[{}]}},"UnprocessedKeys":{{"cache":{{"Keys":[{},{}]}}}}}}"#,
            item("a", "MQ=="),
            key("b"),
            key("c")
        ),
        format!(r#"{{"Responses":{{"cache":[{}]}},"UnprocessedKeys":{{}}}}"#, item("b", "Mg==")),
        format!(r#"{{"UnprocessedItems":{{"cache":[{{"PutRequest":{{"Item":{}}}}}]}}}}"#, item("y", "OQ==")),
        r#"{"UnprocessedItems":{}}"#.to_owned(),
        format!(r#"{{"UnprocessedItems":{{"cache":[{{"DeleteRequest":{{"Key":{}}}}}]}}}}"#, key("x")),
        r#"{"UnprocessedItems":{}}"#.to_owned(),
    ])
    .await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
    let kv = impatient(&options).await;
    let found = kv.get_many(["a", "b", "c"]).await.expect("answers");
    assert!(
        matches!(&found[..], [Ok(Some(a)), Ok(Some(b)), Ok(None)] if a.value() == "1" && b.value() == "2"),
        "{found:?}"
    );
    let stored = kv.put_many([("x", "text"), ("y", "text")], None).await.expect("answers");
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    let deleted = kv.delete_many(["x", "y"]).await.expect("answers");
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    let mut keys_sent = Vec::new();
    while let Ok(request) = requests.try_recv() {
        let names = ["a", "b", "c", "x", "y"].into_iter();
        let sent: String =
            names.filter(|name| request.contains(&format!(r#""sk":{{"S":"{name}"}}"#))).collect();
        keys_sent.push(sent);
    }
    assert_eq!(keys_sent, ["", "abc", "bc", "xy", "y", "xy", "x"]);
}

#[tokio::test]
async fn each_binding_has_a_client_of_its_own_and_its_clones_share_it() {
    let (url, connections) = counting("{}").await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
    let (first, second) = (impatient(&options).await, impatient(&options).await);
    for _ in 0..3 {
        let _ = first.get("a").await;
        let _ = first.clone().get("b").await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let _ = second.get("a").await;
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
