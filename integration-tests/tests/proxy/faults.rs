//! Every fault, on both protocols.

use std::time::{Duration, Instant};

use integration_tests::proxy::{Answer, Exchange, Fault, Rule};
use tokio::time::timeout;

use crate::Setup;
use crate::client::{BOTH, Broken, Client, Got, Protocol};

const DELAY: Duration = Duration::from_millis(300);

/// What one call meets with under a fault.
struct Met {
    setup: Setup,
    client: Client,
    result: Result<Got, Broken>,
    took: Duration,
    exchange: Exchange,
}

async fn meet(protocol: Protocol, rule: Rule) -> Met {
    let setup = Setup::new(protocol).await;
    setup.proxy.rules([rule.first(1)]).await;
    let mut client = setup.client().await;
    let started = Instant::now();
    let result = client.call("Write", "one").await;
    let took = started.elapsed();
    let [exchange] = setup.proxy.settled().await.try_into().expect("one exchange");
    Met { setup, client, result, took, exchange }
}

impl Met {
    #[track_caller]
    fn assert_applied(&self, times: usize) {
        assert_eq!(self.setup.server.bodies(), vec!["one"; times]);
        assert_eq!(self.exchange.applied(), times > 0);
        assert_eq!(self.exchange.forwarded(), times > 0);
        assert_eq!(self.exchange.answered(), self.result.is_ok());
    }

    /// How the call broke, and whether the connection can still be used.
    async fn broke(&mut self) -> (Broken, bool) {
        let broken = self.result.as_ref().expect_err("it breaks").clone();
        (broken, self.client.call("Write", "two").await.is_ok())
    }
}

fn micros(from: Option<u64>, to: Option<u64>) -> Duration {
    Duration::from_micros(to.expect("a time") - from.expect("a time"))
}

#[tokio::test]
async fn a_request_is_delayed() {
    for protocol in BOTH {
        let met = meet(protocol, Rule::any().with(Fault::DelayRequest(DELAY))).await;
        met.assert_applied(1);
        assert!(met.took >= DELAY);
        assert!(micros(Some(met.exchange.received_at), met.exchange.forwarded_at) >= DELAY);
    }
}

#[tokio::test]
async fn a_reply_is_delayed() {
    for protocol in BOTH {
        let met = meet(protocol, Rule::any().with(Fault::DelayReply(DELAY))).await;
        met.assert_applied(1);
        assert!(met.took >= DELAY);
        let reply = met.exchange.upstream.as_ref().unwrap();
        assert!(micros(Some(reply.received_at), met.exchange.answered_at) >= DELAY);
    }
}

#[tokio::test]
async fn a_delayed_request_lands_after_the_client_has_left() {
    for protocol in BOTH {
        let setup = Setup::new(protocol).await;
        // Long enough that the client has left before.
        setup.proxy.rules([Rule::any().with(Fault::DelayRequest(5 * DELAY))]).await;
        let mut client = setup.client().await;
        let arrived = async { while setup.proxy.log().await.is_empty() {} };
        tokio::select! {
            result = client.call("Write", "one") => panic!("{result:?}"),
            _ = arrived => {}
        }
        drop(client);
        setup.server.has_applied(1).await;
        let log = setup.proxy.settled().await;
        assert!(log[0].applied() && !log[0].answered());
    }
}

#[tokio::test]
async fn a_request_is_dropped_with_its_connection() {
    for protocol in BOTH {
        let mut met = meet(protocol, Rule::any().with(Fault::DropRequest)).await;
        met.assert_applied(0);
        assert_eq!(met.broke().await, (Broken::Closed, false));
    }
}

#[tokio::test]
async fn a_stream_is_reset_before_the_request_is_passed_on() {
    for (fault, code) in [(Fault::reset(), 2), (Fault::refuse(), 7)] {
        let mut met = meet(Protocol::Grpc, Rule::any().with(fault.clone())).await;
        met.assert_applied(0);
        assert_eq!(met.broke().await, (Broken::Stream(code), true));

        let mut met = meet(Protocol::DynamoDb, Rule::any().with(fault)).await;
        met.assert_applied(0);
        assert_eq!(met.broke().await, (Broken::Reset, false));
    }
}

#[tokio::test]
async fn a_reply_is_dropped() {
    for (protocol, broke) in
        [(Protocol::DynamoDb, (Broken::Closed, false)), (Protocol::Grpc, (Broken::Stream(2), true))]
    {
        let mut met = meet(protocol, Rule::any().with(Fault::DropReply)).await;
        met.assert_applied(1);
        assert_eq!(met.exchange.upstream.as_ref().unwrap().body, b"did one");
        assert_eq!(met.broke().await, broke);
    }
}

#[tokio::test]
async fn a_connection_is_dropped_with_the_reply() {
    for protocol in BOTH {
        let mut met = meet(protocol, Rule::any().with(Fault::DropConnection)).await;
        met.assert_applied(1);
        assert_eq!(met.broke().await, (Broken::Closed, false));
    }
}

/// Two streams of one connection: one waits at the server, then a fault meets the other.
async fn beside(fault: Fault) -> (Setup, Result<Got, Broken>, Result<Got, Broken>) {
    let setup = Setup::new(Protocol::Grpc).await;
    setup.proxy.rules([Rule::on("Unlucky").with(fault)]).await;
    let mut client = setup.client().await;
    let mut waiting = client.share();
    let waiting = tokio::spawn(async move { waiting.call("Write", "hold").await });
    setup.server.has_applied(1).await;
    let unlucky = client.call("Unlucky", "two").await;
    setup.server.let_go();
    let waited = waiting.await.expect("the task ends");
    assert_eq!(setup.proxy.counts().await.connections, 1);
    (setup, waited, unlucky)
}

#[tokio::test]
async fn other_streams_go_on_when_one_is_reset() {
    for (fault, code, applied) in [(Fault::DropReply, 2, true), (Fault::refuse(), 7, false)] {
        let (setup, waited, unlucky) = beside(fault).await;
        assert_eq!(unlucky.unwrap_err(), Broken::Stream(code));
        let waited = waited.unwrap();
        assert_eq!((&*waited.body, &waited.trailers["grpc-status"]), ("did hold", &"0".parse().unwrap()));
        let log = setup.proxy.settled().await;
        assert_eq!((log[0].applied(), log[1].applied()), (true, applied));
    }
}

#[tokio::test]
async fn a_connection_outlives_more_resets_than_http2_allows_for_errors() {
    let setup = Setup::new(Protocol::Grpc).await;
    setup.proxy.rules([Rule::on("Write").with(Fault::DropReply)]).await;
    let mut client = setup.client().await;
    for _ in 0..1_100 {
        assert_eq!(client.call("Write", "one").await.unwrap_err(), Broken::Stream(2));
    }
    client.call("Read", "two").await.unwrap();
    assert_eq!(setup.proxy.settled().await.iter().filter(|exchange| exchange.applied()).count(), 1_101);
}

#[tokio::test]
async fn all_streams_end_with_their_connection() {
    for fault in [Fault::DropRequest, Fault::DropConnection] {
        let (setup, waited, unlucky) = beside(fault).await;
        assert_eq!((waited.unwrap_err(), unlucky.unwrap_err()), (Broken::Closed, Broken::Closed));
        let log = setup.proxy.settled().await;
        assert!(log[0].applied() && !log[0].answered());
    }
}

#[tokio::test]
async fn a_reply_is_withheld_until_the_client_gives_up() {
    for protocol in BOTH {
        let setup = Setup::new(protocol).await;
        setup.proxy.rules([Rule::any().first(1).with(Fault::WithholdReply)]).await;
        let mut client = setup.client().await;
        let mut call = Box::pin(client.call("Write", "one"));
        tokio::select! {
            result = &mut call => panic!("{result:?}"),
            _ = setup.server.has_applied(1) => {}
        }
        timeout(DELAY, &mut call).await.unwrap_err();
        drop(call);
        let log = setup.proxy.settled().await;
        assert!(log[0].applied() && !log[0].answered());
        // Giving up costs a connection of HTTP/1.1, but only a stream of HTTP/2.
        if protocol == Protocol::Grpc {
            client.call("Write", "two").await.unwrap();
        }
    }
}

#[tokio::test]
async fn made_up_answers_come_instead_of_the_servers() {
    let throttled = Answer::dynamodb(400, "ProvisionedThroughputExceededException", "too much");
    let busy = Answer::status(503).header("retry-after", "1").body("busy");
    for protocol in BOTH {
        for (answer, status) in
            [(&throttled, 400), (&busy, 503), (&Answer::status(500), 500), (&Answer::status(429), 429)]
        {
            for (fault, times) in
                [(Fault::Answer(answer.clone()), 0), (Fault::AnswerAfter(answer.clone()), 1)]
            {
                let mut met = meet(protocol, Rule::any().with(fault)).await;
                met.assert_applied(times);
                let got = met.result.unwrap();
                assert_eq!((got.status, got.body.as_bytes()), (status, &*answer.body));
                assert_eq!(met.setup.proxy.counts().await.of("Write").reply_bytes, answer.body.len() as u64);
                assert_eq!(got.headers.get("retry-after").is_some(), *answer == busy);
                assert!(met.client.call("Write", "two").await.is_ok());
            }
        }
    }
    let body: serde_json::Value = serde_json::from_slice(&throttled.body).unwrap();
    let expected = serde_json::json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "too much",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn grpc_is_answered_with_a_status_and_nothing_else() {
    for (fault, times) in
        [(Fault::Answer(Answer::grpc(8, "quota")), 0), (Fault::AnswerAfter(Answer::grpc(14, "gone")), 1)]
    {
        let met = meet(Protocol::Grpc, Rule::on("Write").with(fault)).await;
        met.assert_applied(times);
        let got = met.result.unwrap();
        assert_eq!((got.status, &*got.body, got.trailers.len()), (200, "", 0));
        assert_eq!(got.headers["grpc-status"], if times == 0 { "8" } else { "14" });
        assert_eq!(got.headers["content-type"], "application/grpc");
    }
}

#[tokio::test]
async fn a_reply_is_cut_short() {
    for (keep, grpc, dynamodb) in [(4, "did ", "did "), (0, "", ""), (99, "did one", "did on")] {
        for (protocol, kept, broken) in
            [(Protocol::DynamoDb, dynamodb, Broken::Closed), (Protocol::Grpc, grpc, Broken::Stream(2))]
        {
            let met = meet(protocol, Rule::any().with(Fault::CutReply { keep })).await;
            met.assert_applied(1);
            assert_eq!(met.result.unwrap_err(), Broken::After(kept.to_owned(), Box::new(broken)));
            assert_eq!(met.setup.proxy.counts().await.of("Write").reply_bytes, kept.len() as u64);
        }
    }
}

#[tokio::test]
async fn a_duplicate_lands_late_and_is_the_same() {
    for protocol in BOTH {
        let met = meet(protocol, Rule::any().with(Fault::Duplicate(DELAY))).await;
        met.assert_applied(2);
        assert!(met.result.is_ok());
        let [first, second] = &met.setup.server.applied()[..] else { panic!("two") };
        assert_eq!((&first.path, &first.headers), (&second.path, &second.headers));
        assert!(second.at - first.at >= DELAY);

        let [duplicate] = &met.exchange.duplicates[..] else { panic!("one: {:?}", met.exchange) };
        let reply = met.exchange.upstream.as_ref().unwrap();
        assert!(micros(Some(reply.received_at), Some(duplicate.forwarded_at)) >= DELAY);
        assert_eq!(duplicate.upstream.as_ref().unwrap().body, b"did one");
        let count = met.setup.proxy.counts().await.of("Write");
        assert_eq!((count.requests, count.forwarded, count.duplicates), (1, 2, 1));
    }
}

#[tokio::test]
async fn faults_go_together() {
    for protocol in BOTH {
        let lost =
            Rule::any().with(Fault::Duplicate(DELAY)).with(Fault::DelayReply(DELAY)).with(Fault::DropReply);
        let met = meet(protocol, lost).await;
        met.assert_applied(2);
        assert!(met.took >= DELAY && met.result.is_err());

        let found_again = Rule::any().with(Fault::DropRequest).with(Fault::Duplicate(DELAY));
        let met = meet(protocol, found_again).await;
        met.assert_applied(1);
        assert!(
            met.result.is_err() && met.exchange.forwarded_at.is_none() && met.exchange.upstream.is_none()
        );
    }
}
