//! Traces that a gateway sends, as a collector reads them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use prost::Message;

use crate::serving::Serving;
use crate::support::{Shell, spoil};

/// What a collector was sent: the head of a request, and its body.
type Sent = (String, Vec<u8>);

/// Takes what it is sent by OTLP over HTTP.
fn collector() -> (SocketAddr, Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, sent) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || take(stream, &sender));
        }
    });
    (address, sent)
}

fn take(stream: TcpStream, sender: &Sender<Sent>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).expect("it can be read") == 0 {
                return;
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.expect("a length").parse().expect("a number")];
        stream.read_exact(&mut body).expect("a body");
        // The test may have seen enough.
        let _ = sender.send((head, body));
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        stream.get_mut().write_all(answer.as_bytes()).expect("it is sent");
    }
}

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Some(AnyValue { value }) => value.as_ref(),
        None => None,
    }
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

#[test]
fn a_request_is_a_part_of_its_callers_trace_and_shows_nothing_that_is_stored() {
    let (address, sent) = collector();
    let mut shell = Shell::new();
    shell.set("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=larder");
    shell.set("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    let created = shell.done(&["keys", "create", "--allow", "read,write", "--output", "json"]);
    let created: serde_json::Value = serde_json::from_str(&created).expect("JSON");
    let key = created["key"].as_str().expect("a key");
    spoil(&shell.path().join(".larder"), "hidden7");
    let serving = Serving::start(
        &shell,
        &["--listen", "127.0.0.1:0", "--otlp-endpoint", &format!("http://{address}/otlp")],
    );
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let traceparent = format!("00-{trace}-{parent}-01");
    let headers = [
        ("X-API-Key", key),
        ("X-Request-Id", "ours-1"),
        ("Traceparent", &traceparent),
        ("Content-Type", "text/plain"),
    ];
    assert_eq!(serving.ask("PUT /v1/kv/default/entry?key=hidden-key", &headers, "hidden-value").0, 200);
    let headers = [("X-API-Key", key)];
    assert_eq!(serving.ask("GET /v1/kv/default/entry?key=hidden-other", &headers, "").0, 404);
    assert_eq!(serving.ask("GET /v1/hidden-route", &headers, "").0, 404);
    // What fails is logged, and so an event of the span.
    let headers = [("X-API-Key", key), ("Content-Type", "application/json")];
    let said = serving.ask("POST /v1/kv/default/increment", &headers, r#"{"key":"hidden7"}"#);
    assert_eq!(said.0, 500, "{}", said.1);
    serving.terminate();
    let ended = serving.ended();
    assert!(ended.status.success(), "{ended:?}");

    let mut spans: Vec<Span> = Vec::new();
    for (head, body) in sent.try_iter() {
        assert!(head.starts_with("POST /otlp/v1/traces HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nx-tenant: larder\r\n"), "{head}");
        let bytes = String::from_utf8_lossy(&body);
        assert!(!bytes.contains("hidden") && !bytes.contains(key), "{bytes}");
        let request = ExportTraceServiceRequest::decode(&body[..]).expect("what OTLP says");
        for resource in request.resource_spans {
            let of = resource.resource.expect("a resource").attributes;
            assert_eq!(attribute(&of, "service.name"), Some(&text("larder")));
            assert_eq!(attribute(&of, "deployment.environment.name"), Some(&text("test")));
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let named = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        let [span] = found[..] else { panic!("{} spans {name}: {spans:?}", found.len()) };
        span
    };
    let put = named("PUT /v1/kv/{binding}/entry");
    assert_eq!(put.kind(), SpanKind::Server);
    assert_eq!(hex(&put.trace_id), trace);
    assert_eq!(hex(&put.parent_span_id), parent);
    for (key, value) in [
        ("http.request.method", text("PUT")),
        ("http.route", text("/v1/kv/{binding}/entry")),
        ("http.response.status_code", Value::IntValue(200)),
        ("larder.request_id", text("ours-1")),
    ] {
        assert_eq!(attribute(&put.attributes, key), Some(&value), "{key}: {put:?}");
    }
    let stored = named("put");
    assert_eq!(stored.kind(), SpanKind::Client);
    assert_eq!((&stored.trace_id, &stored.parent_span_id), (&put.trace_id, &put.span_id));
    assert_eq!(attribute(&stored.attributes, "db.system.name"), Some(&text("sled")));

    // An answer that the caller has to do something about is no error of the server.
    let get = named("GET /v1/kv/{binding}/entry");
    assert!(get.parent_span_id.is_empty() && get.trace_id != put.trace_id, "{get:?}");
    assert_eq!(attribute(&get.attributes, "http.response.status_code"), Some(&Value::IntValue(404)));
    assert_ne!(get.status.as_ref().map(|status| status.code()), Some(StatusCode::Error));
    named("GET");
    let failed = named("POST /v1/kv/{binding}/increment");
    assert_eq!(failed.status.as_ref().map(|status| status.code()), Some(StatusCode::Error));
    assert!(!failed.events.is_empty(), "{failed:?}");
}

#[test]
fn a_collector_that_is_away_keeps_nobody_waiting_and_is_told_of() {
    let shell = Shell::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let serving =
        Serving::start(&shell, &["--listen", "127.0.0.1:0", "--otlp-endpoint", &format!("http://{nobody}")]);
    let headers = [("Content-Type", "application/json")];
    assert_eq!(
        serving.ask("POST /v1/operations/data", &headers, r#"{"key":"hidden-key","value":"hidden"}"#).0,
        200
    );
    serving.terminate();
    let ended = serving.ended();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.errors.contains("telemetry data will be lost"), "{}", ended.errors);
    assert!(!ended.errors.contains("hidden"), "{}", ended.errors);
}

#[test]
fn what_is_no_collector_is_refused_before_anything_is_opened() {
    let shell = Shell::new();
    let said = shell.run(&["serve", "--otlp-endpoint", "https://me:secret@collector"]);
    said.failed(2, "OTEL_EXPORTER_OTLP_HEADERS");
    assert!(!said.errors.contains("secret"), "{said:?}");
    std::fs::write(shell.path().join("serve.toml"), "otlp-endpoint = \"collector:4317\"").expect("written");
    let said = shell.run(&["serve", "--config", "serve.toml"]);
    said.failed(2, "otlp-endpoint");
    assert!(!shell.path().join(".larder").exists());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
