//! Rules pick the requests that they say, and can be replaced while the proxy runs.

use integration_tests::proxy::{Answer, Fault, FaultProxy, Rule};

use crate::Setup;
use crate::client::{Client, Protocol};

fn refuse(status: u16) -> Fault {
    Fault::Answer(Answer::status(status))
}

async fn statuses(client: &mut Client, operation: &str, number: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..number {
        statuses.push(client.call(operation, "one").await.expect("an answer").status);
    }
    statuses
}

#[tokio::test]
async fn the_first_rule_that_matches_wins() {
    let setup = Setup::new(Protocol::DynamoDb).await;
    let mut client = setup.client().await;
    let rules = [
        Rule::on("Write").first(2).with(refuse(500)),
        Rule::on("Write").every(2).with(refuse(503)),
        Rule::any().skip(1).first(1).with(refuse(429)),
    ];
    setup.proxy.rules(rules.clone()).await;
    assert_eq!(statuses(&mut client, "Read", 1).await, [200]);
    // The last rule's second candidate is the first write that no other rule takes.
    assert_eq!(statuses(&mut client, "Write", 6).await, [500, 500, 429, 503, 200, 503]);
    let log = setup.proxy.log().await;
    assert_eq!((&*log[0].faults, &*log[1].faults), (&[][..], &[refuse(500)][..]));

    setup.proxy.rules([Rule::on("Read").containing("one").with(refuse(500))]).await;
    assert_eq!(statuses(&mut client, "Write", 2).await, [200, 200]);
    assert_eq!(statuses(&mut client, "Read", 2).await, [500, 500]);
    // They begin to count anew.
    setup.proxy.rules(rules).await;
    assert_eq!(statuses(&mut client, "Write", 1).await, [500]);
    setup.proxy.reset().await;
    assert_eq!(statuses(&mut client, "Write", 2).await, [200, 200]);
    assert_eq!(setup.proxy.log().await.len(), 2);
}

#[tokio::test]
async fn the_same_seed_picks_the_same_requests() {
    let mut picks = Vec::new();
    for seed in [1, 1, 2] {
        let setup = Setup::new(Protocol::Grpc).await;
        setup.proxy.rules([Rule::on("Write").probability(0.3, seed).with(refuse(500))]).await;
        let mut client = setup.client().await;
        let mut picked = Vec::new();
        for _ in 0..50 {
            picked.extend(statuses(&mut client, "Write", 1).await);
            statuses(&mut client, "Read", seed as usize).await;
        }
        picks.push(picked);
    }
    assert_eq!(picks[0], picks[1]);
    assert_ne!(picks[0], picks[2]);
    let refused = picks[0].iter().filter(|&&status| status == 500).count();
    assert!((5..25).contains(&refused), "{refused}");
}

#[tokio::test]
#[should_panic(expected = "a probability of 2")]
async fn a_rule_that_makes_no_sense_is_refused() {
    let setup = Setup::new(Protocol::Grpc).await;
    setup.proxy.rules([Rule::any().probability(2.0, 0)]).await;
}

#[test]
fn a_handle_can_be_shared_by_tasks() {
    fn shared<T: Send + Sync>() {}
    shared::<FaultProxy>();
}
