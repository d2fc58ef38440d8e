//! What the requests say on the wire, where it decides about guarantees and costs.

mod support;

use larder_core::{Consistency, Kv, PutOptions, ScanOptions};
use larder_dynamodb::DynamoDbOptions;

use support::{REGION, impatient, keys, recording};

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
        "v":{"B":"eyJ2ZXJzaW9uIjoxLCJtaW5SZWFkZXIiOjEsIm1pbldyaXRlciI6MSwic2hhcmRzIjo0LCJoYXNoIjoieHhoNjQifQ=="}}}"#;
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
