//! Without rules, everything passes as it is.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use integration_tests::proxy::{Count, Fault, Rule};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use crate::client::{BOTH, Broken, Client, Protocol};
use crate::{Setup, start};

#[tokio::test]
async fn messages_pass_whole_and_are_logged_and_counted() {
    for protocol in BOTH {
        let setup = Setup::new(protocol).await;
        let mut client = setup.client().await;
        for (body, status) in [("one", 200), ("fail", 400), ("", 200)] {
            let got = client.call("Write", body).await.unwrap();
            assert_eq!(got.body, format!("did {body}"));
            assert_eq!(got.headers["x-from"], "the server");
            match protocol {
                Protocol::DynamoDb => assert_eq!(got.status, status),
                Protocol::Grpc => {
                    assert_eq!(got.trailers["grpc-status"], if status == 200 { "0" } else { "9" })
                }
            }
        }
        client.call("Read", "two").await.unwrap();
        let [one, _, two] = &setup.server.applied()[..] else { panic!("{:?}", setup.server.bodies()) };
        assert_eq!((&*one.body, &*two.body), ("one", "two"));
        match protocol {
            Protocol::DynamoDb => assert_eq!(one.headers["x-amz-target"], "DynamoDB_20120810.Write"),
            Protocol::Grpc => {
                assert_eq!(one.path, "/google.firestore.v1.Firestore/Write");
                assert_eq!(one.headers["te"], "trailers");
            }
        }

        let log = setup.proxy.settled().await;
        assert_eq!(log.iter().map(|exchange| exchange.sequence).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(
            log.iter().map(|exchange| exchange.applied()).collect::<Vec<_>>(),
            [true, false, true, true]
        );
        assert!(log.iter().all(|exchange| exchange.answered() && exchange.connection == 1));
        assert_eq!(log[3].operation, "Read");
        assert_eq!(log[0].request, b"one");
        let reply = log[0].upstream.as_ref().unwrap();
        assert_eq!(reply.body, b"did one");
        assert_eq!(reply.grpc_status(), (protocol == Protocol::Grpc).then_some(0));
        let (received, forwarded) = (log[0].received_at, log[0].forwarded_at.unwrap());
        assert!(
            received <= forwarded
                && forwarded <= reply.received_at
                && Some(reply.received_at) <= log[0].answered_at
        );
        assert_eq!(setup.proxy.log_from(2).await, log[2..]);

        let counts = setup.proxy.counts().await;
        assert_eq!(counts.connections, 1);
        let write = Count { requests: 3, request_bytes: 7, reply_bytes: 19, forwarded: 3, duplicates: 0 };
        assert_eq!(counts.of("Write"), write);
        assert_eq!(counts.of("Read").reply_bytes, 7);
        assert_eq!(counts.total().requests, 4);

        setup.proxy.reset().await;
        assert!(setup.proxy.log().await.is_empty());
        assert_eq!(setup.proxy.counts().await, Default::default());
    }
}

#[tokio::test]
async fn large_messages_pass() {
    for protocol in BOTH {
        let setup = Setup::new(protocol).await;
        let large = "large ".repeat(300_000);
        let got = setup.client().await.call("Write", &large).await.unwrap();
        assert!(got.body.ends_with(&large));
        assert_eq!(setup.server.bodies(), [&*large]);
    }
}

#[tokio::test]
async fn many_connections_and_streams_pass_at_once() {
    for protocol in BOTH {
        let setup = Setup::new(protocol).await;
        let mut calls = JoinSet::new();
        for connection in 0..8 {
            let mut client = setup.client().await;
            calls.spawn(async move {
                for number in 0..100 {
                    let body = format!("{connection}/{number}");
                    assert_eq!(client.call("Write", &body).await.unwrap().body, format!("did {body}"));
                }
            });
        }
        while let Some(call) = calls.join_next().await {
            call.unwrap();
        }
        assert_eq!(setup.server.applied().len(), 800);
        assert_eq!(setup.proxy.settled().await.len(), 800);
        assert_eq!(setup.proxy.counts().await.connections, 8);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_broken_stream_and_nothing_was_passed_on() {
    for protocol in BOTH {
        // Bound and not listening, so that nobody else gets the port.
        let nobody = TcpSocket::new_v4().unwrap();
        nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", nobody.local_addr().unwrap());
        let proxy = start(&url);
        let mut client = Client::connect(protocol, proxy.url()).await;
        let expected = match protocol {
            Protocol::DynamoDb => Broken::Closed,
            Protocol::Grpc => Broken::Stream(2),
        };
        assert_eq!(client.call("Write", "one").await.unwrap_err(), expected);
        let log = proxy.settled().await;
        assert!(!log[0].forwarded() && !log[0].answered() && log[0].upstream.is_none());
        assert!(log[0].upstream_error.is_some());
        assert_eq!(proxy.counts().await.of("Write").forwarded, 0);
    }
}

#[tokio::test]
async fn a_server_that_closes_the_connection_may_have_done_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = start(&format!("http://{}", listener.local_addr().unwrap()));
    let mut client = Client::connect(Protocol::DynamoDb, proxy.url()).await;
    let closing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 100]).await.unwrap();
    };
    let body = "x".repeat(1_000);
    let (result, ()) = tokio::join!(client.call("Write", &body), closing);
    assert!(matches!(result.unwrap_err(), Broken::Closed));
    let log = proxy.settled().await;
    assert!(log[0].forwarded() && log[0].upstream.is_none() && log[0].upstream_error.is_some());
}

#[tokio::test]
async fn azure_operations_are_methods() {
    let setup = Setup::new(Protocol::Grpc).await;
    setup.proxy.rules([Rule::on("DELETE").with(Fault::DropRequest)]).await;
    // Over HTTP/1.1 without a target.
    let pool = Pool::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let url = format!("{}/Table(PartitionKey='a',RowKey='b')?sv=1", setup.proxy.url());
    let request = |method| Request::builder().method(method).uri(&url).body(Full::default()).unwrap();
    assert_eq!(pool.request(request("MERGE")).await.unwrap().status(), 200);
    pool.request(request("DELETE")).await.unwrap_err();
    let log = setup.proxy.settled().await;
    assert_eq!((&*log[0].operation, &*log[0].method), ("MERGE", "MERGE"));
    assert_eq!(log[0].path, "/Table(PartitionKey='a',RowKey='b')?sv=1");
    assert_eq!((&*log[1].operation, log[1].forwarded()), ("DELETE", false));
}
