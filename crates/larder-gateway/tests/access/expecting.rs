//! Keys of those who ask first whether to send a body (`Expect: 100-continue`).

use std::time::Duration;

use larder_gateway::ApiKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::served::{Served, everything};
use crate::wire::Reply;

/// Sends the head of a write alone; returns all that comes back until the connection ends or the gateway asks for the body.
async fn ask(served: &Served, key: &str) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(served.address).await.expect("a connection");
    let head = format!(
        "POST /v1/operations/data HTTP/1.1\r\nHost: gateway.example\r\nConnection: close\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nX-API-Key: {key}\r\nContent-Length: 21\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    let mut bytes = Vec::new();
    let read = async {
        while stream.read_buf(&mut bytes).await.expect("it is not cut off") > 0 {
            if bytes.starts_with(b"HTTP/1.1 100 ") {
                break;
            }
        }
    };
    timeout(Duration::from_secs(30), read).await.expect("somebody answers");
    (stream, bytes)
}

#[tokio::test]
async fn whoever_has_no_good_key_is_not_asked_for_the_body() {
    let served = Served::with_keys().await;
    let key = served.key(everything()).await;
    let foreign = ApiKey::generate().expose();
    for key in ["", "kv_", &foreign] {
        let (_, bytes) = ask(&served, key).await;
        assert_eq!(Reply::parse(&bytes).is(401).json()["error"], "UNAUTHORIZED");
    }
    let (mut stream, bytes) = ask(&served, &key).await;
    assert_eq!(String::from_utf8_lossy(&bytes), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(br#"{"key":"k","value":1}"#).await.expect("it is sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let _stored = Reply::parse(&bytes).is(200);
}
