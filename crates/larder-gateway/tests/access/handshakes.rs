//! Callers that never agree on keys.

use std::time::Duration;

use larder_gateway::Drained;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, pause};
use tokio_rustls::rustls::ClientConnection;

use crate::served::Served;
use crate::tls::{Files, answers, files};

/// Connections that say nothing, and the half of what a caller says first.
async fn silent(files: &Files, served: &Served) -> [TcpStream; 2] {
    let name = "localhost".try_into().expect("a name");
    let mut caller = ClientConnection::new(files.trusting(&[]), name).expect("a caller");
    let mut hello = Vec::new();
    caller.write_tls(&mut hello).expect("it can be written");
    let nothing = TcpStream::connect(served.address).await.expect("a connection");
    let mut half = TcpStream::connect(served.address).await.expect("a connection");
    half.write_all(&hello[..hello.len() / 2]).await.expect("it is sent");
    [nothing, half]
}

#[tokio::test]
async fn who_never_ends_a_handshake_is_dropped_and_holds_up_nobody() {
    let files = files();
    let served = files.served().await;
    let begun = Instant::now();
    let silent = silent(&files, &served).await;
    // Accepted behind them.
    answers(files.connect(&served, &[]).await).await;
    // From here on only time is waited for, and it passes at once.
    pause();
    for mut stream in silent {
        let mut bytes = Vec::new();
        // With or without a word of TLS.
        let _ = stream.read_to_end(&mut bytes).await;
    }
    // A connection that asks nothing may stand for longer than that.
    let waited = begun.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(20)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn who_never_ends_a_handshake_does_not_keep_the_gateway() {
    let files = files();
    let mut served = files.served().await;
    let _silent = silent(&files, &served).await;
    answers(files.connect(&served, &[]).await).await;
    pause();
    let stopped = Instant::now();
    served.stop();
    assert_eq!(served.ended().await, Drained::Whole);
    // Nobody has asked it anything.
    assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
}
