//! A namespace is a wall: nothing that a tenant sends reaches, shows or gives away what another has.

use std::time::{Duration, Instant};

use larder::{PutOptions, ScanOptions};
use larder_gateway::Grant;

use crate::served::{STORE, Served, everything};
use crate::wire::Reply;

const SECRET: &str = "what-nobody-else-may-read";
/// Keys by which a tenant might hope to get out: of its neighbour, of the root, of Larder's own records.
const FOREIGN: &[&str] = &[
    "victim:card",
    "victim:",
    ":card",
    "../victim:card",
    "..%2Fvictim:card",
    "intruder:../victim:card",
    "root",
    "!layout",
    "!gateway-keys:",
    "~21layout",
    "layout",
    "\u{0}victim:card",
    "victim~3Acard",
];

/// A gateway with two tenants, and entries of the one and of nobody.
struct Wall {
    served: Served,
    intruder: String,
    victim: String,
}

impl Wall {
    async fn build() -> Self {
        let served = Served::with_keys().await;
        let intruder = served.key(everything().namespace("intruder")).await;
        let victim = served.key(everything().namespace("victim")).await;
        let store = served.store(STORE).await;
        for key in
            ["victim:card", "victim:counter", "root", "victim", "victims:card", "intruder", "intrudes:card"]
        {
            store.put(key, SECRET, PutOptions::new()).await.expect("a put");
        }
        store.put("intruder:own", "1", PutOptions::new()).await.expect("a put");
        Self { served, intruder, victim }
    }

    /// Asks as the intruder, who must not be told a secret.
    async fn intrude(&self, line: &str, body: &str) -> Reply {
        let reply = self.served.ask(&self.intruder, line, body).await;
        let text = reply.text();
        let base64 = "d2hhdC1ub2JvZHktZWxzZS1tYXktcmVhZA";
        assert!(!text.contains(SECRET) && !text.contains(base64), "{line} {body}: {text}");
        assert!(reply.status < 500, "{line} {body}: {text}");
        reply
    }

    /// What the others have, as it was.
    async fn is_whole(&self) {
        let store = self.served.store(STORE).await;
        for key in
            ["victim:card", "victim:counter", "root", "victim", "victims:card", "intruder", "intrudes:card"]
        {
            assert_eq!(store.get(key).await.expect("a get").as_deref(), Some(SECRET.as_bytes()), "{key}");
        }
        assert!(self.served.key_store().await.list().await.expect("a list").len() >= 2);
        self.served.ask(&self.victim, "GET /v1/operations/data?key=card", "").await.is(200);
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("JSON")
}

#[tokio::test]
async fn no_key_reaches_out_and_all_that_is_not_there_looks_alike() {
    let wall = Wall::build().await;
    let seed = wall.intrude("GET /v1/operations/data?key=nothing", "").await.is(404).said();
    let whole = wall.intrude("GET /v1/kv/cache/entry?key=nothing", "").await.is(404).said();
    for key in FOREIGN {
        let key = encoded(key);
        assert_eq!(
            wall.intrude(&format!("GET /v1/operations/data?key={key}"), "").await.said(),
            seed,
            "{key}"
        );
        assert_eq!(
            wall.intrude(&format!("GET /v1/kv/cache/entry?key={key}"), "").await.said(),
            whole,
            "{key}"
        );
        wall.intrude(&format!("HEAD /v1/kv/cache/entry?key={key}"), "").await.is(404);
    }
    wall.is_whole().await;
}

#[tokio::test]
async fn no_write_reaches_out() {
    let wall = Wall::build().await;
    for key in FOREIGN {
        let (name, text) = (encoded(key), quoted(key));
        wall.intrude(
            "POST /v1/operations/data",
            &format!(r#"{{"key":{text},"value":"mine","ifNotExists":true}}"#),
        )
        .await
        .is(200);
        wall.intrude(&format!("DELETE /v1/operations/data?key={name}"), "").await.is(200);
        wall.intrude(&format!("PUT /v1/kv/cache/entry?key={name}"), "1").await.is(200);
        wall.intrude("POST /v1/kv/cache/touch", &format!(r#"{{"key":{text},"ttlMillis":1}}"#)).await;
        wall.intrude(&format!("DELETE /v1/kv/cache/entry?key={name}"), "").await;
        wall.intrude("POST /v1/kv/cache/increment", &format!(r#"{{"key":{text},"delta":1}}"#)).await.is(200);
        wall.intrude("POST /v1/kv/cache/delete-many", &format!(r#"{{"keys":[{text}]}}"#)).await.is(200);
    }
    wall.is_whole().await;
}

#[tokio::test]
async fn no_batch_reaches_out() {
    let wall = Wall::build().await;
    let keys: Vec<_> = FOREIGN.iter().map(|key| quoted(key)).collect();
    let found =
        wall.intrude("POST /v1/kv/cache/get-many", &format!(r#"{{"keys":[{}]}}"#, keys.join(","))).await;
    let found = found.is(200).json();
    let items = found["items"].as_array().expect("answers");
    assert_eq!(items.len(), FOREIGN.len());
    assert!(items.iter().all(|item| item["absent"] == true), "{found}");
    let entries: Vec<_> = keys.iter().map(|key| format!(r#"{{"key":{key},"value":"mine"}}"#)).collect();
    wall.intrude("POST /v1/kv/cache/put-many", &format!(r#"{{"entries":[{}]}}"#, entries.join(",")))
        .await
        .is(200);
    wall.intrude("POST /v1/kv/cache/delete-many", &format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
        .await
        .is(200);
    wall.is_whole().await;
}

#[tokio::test]
async fn no_prefix_reaches_out() {
    let wall = Wall::build().await;
    let own: &[&str] = &["own"];
    for prefix in ["", "o", "v", "victim", "victim:", "!", "!gateway-keys:", "~21", "\u{0}", "-", "..", ":"] {
        let expected = if "own".starts_with(prefix) { own } else { &[] };
        for line in ["/v1/operations/data?prefix=", "/v1/kv/cache/scan?prefix="] {
            let page = wall.intrude(&format!("GET {line}{}", encoded(prefix)), "").await.is(200).json();
            let found: Vec<_> =
                page["items"].as_array().expect("items").iter().map(|item| &item["key"]).collect();
            assert_eq!(found, expected, "{line} {prefix:?}");
        }
        let stream =
            wall.intrude(&format!("GET /v1/kv/cache/stream?prefix={}", encoded(prefix)), "").await.is(200);
        assert_eq!(stream.text().lines().count(), expected.len() + 1, "{prefix:?}");
    }
}

#[tokio::test]
async fn a_cursor_of_somebody_else_is_a_position_and_nothing_more() {
    let wall = Wall::build().await;
    let first = ScanOptions::new().limit(1);
    let root = wall.served.store(STORE).await;
    let neighbour = root.with_prefix("victim").expect("a namespace");
    for kv in [root, neighbour] {
        let cursor = kv.scan_keys_page("", first.clone()).await.expect("a page").cursor.expect("more");
        for line in ["/v1/operations/data", "/v1/kv/cache/scan"] {
            let line = format!("GET {line}?prefix=&cursor={}", encoded(&cursor.to_string()));
            let page = wall.intrude(&line, "").await.is(200).json();
            for item in page["items"].as_array().expect("items") {
                assert_eq!(item["key"], "own");
            }
        }
    }
}

#[tokio::test]
async fn a_version_of_somebody_else_is_good_for_nothing() {
    let wall = Wall::build().await;
    let entry = wall.served.ask(&wall.victim, "GET /v1/kv/cache/entry?key=card", "").await.is(200);
    let version = entry.header("etag").expect("a version").to_owned();
    let bearer = format!("Bearer {}", wall.intruder);
    let headers =
        [("Host", "gateway.example"), ("Authorization", bearer.as_str()), ("If-Match", version.as_str())];
    for key in ["card", "victim:card", "own"] {
        for method in ["PUT", "DELETE"] {
            let line = format!("{method} /v1/kv/cache/entry?key={}", encoded(key));
            let reply = wall.served.send(&line, &headers, b"mine").await;
            assert!((400..500).contains(&reply.status), "{line}: {reply:?}");
        }
    }
    wall.is_whole().await;
}

#[tokio::test]
async fn no_error_names_a_namespace_or_a_neighbour() {
    let wall = Wall::build().await;
    let long = "x".repeat(600);
    for (line, body) in [
        ("GET /v1/operations/data?key=".to_owned(), String::new()),
        (format!("GET /v1/operations/data?key={long}"), String::new()),
        (format!("GET /v1/operations/data?prefix={long}"), String::new()),
        ("GET /v1/operations/data?prefix=&cursor=nonsense".to_owned(), String::new()),
        ("GET /v1/operations/data?prefix=&limit=0".to_owned(), String::new()),
        (format!("PUT /v1/kv/cache/entry?key={long}"), "x".to_owned()),
        ("POST /v1/kv/cache/increment".to_owned(), r#"{"key":"own","delta":"x"}"#.to_owned()),
        ("GET /v1/kv/nowhere/entry?key=own".to_owned(), String::new()),
        ("GET /v1/nowhere".to_owned(), String::new()),
    ] {
        let reply = wall.intrude(&line, &body).await;
        assert!((400..500).contains(&reply.status), "{line}: {reply:?}");
        let text = reply.text();
        for name in ["intruder", "victim", "local-kv", "sled", "/tmp"] {
            assert!(!text.contains(name), "{line} names {name}: {text}");
        }
    }
}

#[tokio::test]
async fn who_may_only_write_reads_nothing_by_it() {
    let wall = Wall::build().await;
    let writer = wall.served.key(Grant::new([larder_gateway::Permission::Write]).namespace("victim")).await;
    let bearer = format!("Bearer {writer}");
    let put = [("Host", "gateway.example"), ("Authorization", bearer.as_str()), ("If-None-Match", "*")];
    let reply = wall.served.send("PUT /v1/kv/cache/entry?key=card", &put, b"mine").await.is(412);
    assert!(!reply.text().contains("d2hhdC1ub2JvZHk") && !reply.text().contains(SECRET), "{reply:?}");
    let body = r#"{"key":"card","value":"mine","ifNotExists":true}"#;
    let reply = wall.served.ask(&writer, "POST /v1/operations/data", body).await;
    assert!(!reply.text().contains(SECRET), "{reply:?}");
    let body = r#"{"key":"counter","delta":0}"#;
    wall.served.ask(&writer, "POST /v1/kv/cache/increment", body).await.is(403);
    wall.is_whole().await;
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_only_a_neighbour_has_takes_no_longer_than_one_that_nobody_has() {
    let wall = Wall::build().await;
    for (line, body, status) in [
        ("GET /v1/operations/data?key=KEY", "", 404),
        ("GET /v1/operations/data?prefix=KEY", "", 200),
        ("GET /v1/kv/cache/entry?key=KEY", "", 404),
        ("HEAD /v1/kv/cache/entry?key=KEY", "", 404),
        ("POST /v1/kv/cache/touch", r#"{"key":"KEY","ttlMillis":60000}"#, 404),
        ("POST /v1/kv/cache/get-many", r#"{"keys":["KEY"]}"#, 200),
        ("GET /v1/kv/cache/scan?prefix=KEY", "", 200),
        ("GET /v1/kv/cache/stream?prefix=KEY", "", 200),
    ] {
        let (mut theirs, mut nobodys) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            for (key, times) in [("card", &mut theirs), ("cord", &mut nobodys)] {
                let (line, body) = (line.replace("KEY", key), body.replace("KEY", key));
                let begun = Instant::now();
                wall.intrude(&line, &body).await.is(status);
                times.push(begun.elapsed());
            }
        }
        let (theirs, nobodys) = (median(theirs), median(nobodys));
        let far = theirs.max(nobodys) - theirs.min(nobodys);
        assert!(
            far < theirs.min(nobodys) / 4,
            "{line}: {theirs:?} for a neighbour's key, {nobodys:?} for nobody's"
        );
    }
}
