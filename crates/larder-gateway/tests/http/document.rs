//! The OpenAPI document.

use std::path::Path;

use serde_json::Value;

use crate::support::Server;

/// The copy for people who have no gateway running.
const COPY: &str = "../../docs/openapi.json";

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_the_one_in_docs() {
    let server = Server::start().await;
    let served = server.get("/openapi.json").await.ok();
    assert_eq!(served, serde_json::to_value(larder_gateway::document()).expect("JSON"));
    let mut text = serde_json::to_string_pretty(&larder_gateway::document()).expect("JSON");
    text.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COPY);
    if std::env::var_os("LARDER_WRITE_DOCUMENTS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let copy = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        copy == text,
        "docs/openapi.json is not what the code says; LARDER_WRITE_DOCUMENTS=1 writes it anew"
    );
    server.end().await;
}

#[test]
fn what_it_refers_to_is_in_it() {
    fn check(document: &Value, part: &Value) {
        if let Some(reference) = part["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        match part {
            Value::Object(parts) => parts.values().for_each(|part| check(document, part)),
            Value::Array(parts) => parts.iter().for_each(|part| check(document, part)),
            _ => {}
        }
    }
    let document = serde_json::to_value(larder_gateway::document()).expect("JSON");
    check(&document, &document);
}

#[test]
fn every_route_is_described_with_its_errors() {
    let document = serde_json::to_value(larder_gateway::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations: Vec<(&String, &String, &Value)> = paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().expect("a path").iter().map(move |(method, what)| (path, method, what))
        })
        .collect();
    assert!(operations.len() >= 14, "{}", operations.len());
    for (path, method, operation) in operations {
        for status in ["400", "401", "403", "404", "405", "413", "415", "429", "500", "502", "503", "504"] {
            let body = &operation["responses"][status]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(body, "#/components/schemas/ProblemBody", "{method} {path}: {status}");
        }
        assert!(operation["summary"].is_string(), "{method} {path}");
    }
}

#[test]
fn what_can_become_of_a_script_is_described() {
    let document = serde_json::to_value(larder_gateway::document()).expect("JSON");
    let paths = [("", "post"), ("/{name}", "put"), ("/{name}", "get"), ("/{name}/rollback", "post")];
    let [run, put, get, rollback] =
        paths.map(|(path, method)| &document["paths"][format!("/v1/operations/scripts{path}")][method]);
    let said = |operation: &Value, status: &str| {
        operation["responses"][status]["description"].as_str().expect("a description").to_owned()
    };
    for (status, code) in [
        ("404", "SCRIPT_NOT_FOUND"),
        ("422", "SCRIPT_ERROR"),
        ("429", "RATE_LIMITED"),
        ("500", "SCRIPT_CRASHED"),
        ("503", "SCRIPTS_BUSY"),
        ("504", "SCRIPT_TIMEOUT"),
    ] {
        assert!(said(run, status).contains(code), "{status}: {}", said(run, status));
    }
    // What a script that began has written stays, however it ends.
    for status in ["500", "504"] {
        let said = said(run, status);
        assert!(said.contains("may still be") && !said.contains("nothing was applied"), "{said}");
    }
    assert!(said(put, "503").contains("SCRIPTS_BUSY"));
    for operation in [get, put, rollback] {
        assert!(said(operation, "404").contains("SCRIPT_NOT_FOUND"));
    }
    for (operation, name) in [(put, "If-Match"), (put, "If-None-Match"), (rollback, "If-Match")] {
        let parameters = operation["parameters"].as_array().expect("parameters");
        assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{name}");
    }
}
