//! Whatever happens at once, the log agrees with the server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use integration_tests::proxy::{Answer, Fault, Rule};
use tokio::task::JoinSet;

use crate::Setup;
use crate::client::{BOTH, Client};

fn times(bodies: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for body in bodies {
        *times.entry(body).or_default() += 1;
    }
    times
}

#[tokio::test]
async fn the_log_says_what_the_server_did_under_all_faults_at_once() {
    let late = Duration::from_millis(20);
    let faults = [
        Fault::DropRequest,
        Fault::reset(),
        Fault::DropReply,
        Fault::DropConnection,
        Fault::Answer(Answer::status(503)),
        Fault::AnswerAfter(Answer::status(500)),
        Fault::CutReply { keep: 3 },
        Fault::Duplicate(late),
        Fault::DelayRequest(late),
        Fault::DelayReply(late),
    ];
    for protocol in BOTH {
        let setup = Setup::new(protocol).await;
        let rules = faults
            .iter()
            .enumerate()
            .map(|(seed, fault)| Rule::on("Write").probability(0.05, seed as u64).with(fault.clone()));
        setup.proxy.rules(rules).await;
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let url = setup.proxy.url().to_owned();
            let mut client = setup.client().await;
            writers.spawn(async move {
                let mut acknowledged = BTreeSet::new();
                for number in 0..60 {
                    let body = format!("{writer}/{number}");
                    match client.call("Write", &body).await {
                        Ok(got) if got.status == 200 => drop(acknowledged.insert(body)),
                        Ok(_) => {}
                        Err(_) => client = Client::connect(protocol, &url).await,
                    }
                }
                acknowledged
            });
        }
        let acknowledged: BTreeSet<String> = writers.join_all().await.into_iter().flatten().collect();
        let log = setup.proxy.settled().await;
        assert_eq!(log.len(), 480);

        let told = log.iter().flat_map(|exchange| {
            let replies = exchange.duplicates.iter().map(|duplicate| &duplicate.upstream);
            let applied =
                replies.chain([&exchange.upstream]).flatten().filter(|reply| reply.succeeded()).count();
            vec![String::from_utf8(exchange.request.clone()).unwrap(); applied]
        });
        assert_eq!(times(told), times(setup.server.bodies()));
        let met = |fault: &Fault| log.iter().any(|exchange| exchange.faults.contains(fault));
        assert!(faults.iter().all(met), "a fault met nothing");
        for exchange in &log {
            let body = String::from_utf8(exchange.request.clone()).unwrap();
            if acknowledged.contains(&body) {
                assert!(exchange.applied() && exchange.answered(), "{exchange:?}");
            }
        }
        let total = setup.proxy.counts().await.total();
        assert_eq!(total.requests, 480);
        assert_eq!(total.forwarded, setup.server.applied().len() as u64);
    }
}
