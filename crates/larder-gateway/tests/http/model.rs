//! Random requests to a gateway and to a model: every answer is the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use larder_conformance::model::{Condition, Entry, Model, NoCounter};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use crate::operations::{KEYS, Op, Ttl, When, operations};
use crate::support::{Answer, Server};

#[test]
fn random_requests_agree_with_the_model() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(Server::start());
    let sequences = AtomicU32::new(0);
    let config = Config { cases: 96, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let played = TestRunner::new(config).run(&operations(40), |operations| {
        let number = sequences.fetch_add(1, Ordering::Relaxed);
        let play = Play {
            server: &server,
            space: format!("s{number}|"),
            model: Model::default(),
            tags: HashMap::new(),
        };
        runtime.block_on(play.all(&operations)).map_err(TestCaseError::fail)
    });
    if let Err(failure) = played {
        panic!("{failure}");
    }
    runtime.block_on(server.end());
}

type Check<T = ()> = Result<T, String>;

/// One sequence, on keys of its own.
struct Play<'a> {
    server: &'a Server,
    /// What stands before every key of this sequence.
    space: String,
    /// Keyed like the store.
    model: Model,
    /// The ETags that each key had, with the number of the write, oldest first.
    tags: HashMap<String, Vec<(String, u64)>>,
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, gateway: T, model: T) -> Check {
    if gateway == model {
        return Ok(());
    }
    Err(format!("{what}: the gateway says {gateway:?}, the model {model:?}"))
}

impl Play<'_> {
    async fn all(mut self, operations: &[Op]) -> Check {
        for (at, op) in operations.iter().enumerate() {
            self.one(op).await.map_err(|failure| format!("operation {at}, {op:?}: {failure}"))?;
        }
        for key in KEYS {
            self.one(&Op::Get(key)).await.map_err(|failure| format!("at the end, {key}: {failure}"))?;
        }
        self.one(&Op::Stream("")).await
    }

    async fn one(&mut self, op: &Op) -> Check {
        match op {
            Op::Get(key) => self.get(&self.key(key)).await,
            Op::Put(key, value, ttl, when) => self.put(self.key(key), value, *ttl, *when).await,
            Op::PlainPut(key, value, ttl, must_create) => {
                self.plain_put(self.key(key), value, *ttl, *must_create).await
            }
            Op::Delete(key, when) => self.delete(self.key(key), *when).await,
            Op::PlainDelete(key) => {
                let key = self.key(key);
                let request =
                    self.server.request(Method::DELETE, "/v1/operations/data").query(&[("key", &key)]);
                same("status", Answer::of(request).await.status, 200)?;
                self.model.delete(&key, Condition::Always);
                Ok(())
            }
            Op::Touch(key, ttl, when) => self.touch(self.key(key), *ttl, *when).await,
            Op::Increment(key, delta, ttl) => self.increment(self.key(key), *delta, *ttl).await,
            Op::GetMany(keys) => self.get_many(keys.iter().map(|key| self.key(key)).collect()).await,
            Op::PutMany(entries, ttl) => {
                let entries = entries.iter().map(|(key, value)| (self.key(key), *value)).collect();
                self.put_many(entries, *ttl).await
            }
            Op::DeleteMany(keys) => {
                let keys: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
                let gone = self.server.post("/v1/kv/main/delete-many", &json!({ "keys": keys })).await;
                same("status", gone.status, 200)?;
                for key in keys {
                    self.model.delete(&key, Condition::Always);
                }
                Ok(())
            }
            Op::Scan(prefix, limit) => self.scan(&self.key(prefix), *limit).await,
            Op::Stream(prefix) => self.stream(&self.key(prefix)).await,
            Op::Advance(millis) => {
                self.server.advance(*millis);
                self.model.advance(*millis);
                Ok(())
            }
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.space)
    }

    fn entry(&self, method: Method, key: &str) -> reqwest::RequestBuilder {
        self.server.request(method, "/v1/kv/main/entry").query(&[("key", key)])
    }

    /// The condition of a write as a header, and for the model; `None` if there is no such version yet.
    fn condition(&self, key: &str, when: When) -> Option<(Option<(&'static str, String)>, Condition)> {
        match when {
            When::Always => Some((None, Condition::Always)),
            When::Absent => Some((Some(("if-none-match", "*".to_owned())), Condition::Absent)),
            When::Version(back) => {
                let tags = self.tags.get(key)?;
                let (tag, write) = tags.get(tags.len().checked_sub(back + 1)?)?;
                Some((Some(("if-match", tag.clone())), Condition::Write(*write)))
            }
        }
    }

    fn note(&mut self, key: &str, tag: Option<&str>, write: u64) -> Check {
        let tag = tag.ok_or("there is no ETag")?.to_owned();
        let tags = self.tags.entry(key.to_owned()).or_default();
        if tags.iter().any(|(old, _)| *old == tag) {
            return Err(format!("the version {tag} was there before"));
        }
        tags.push((tag, write));
        Ok(())
    }

    /// Compares an answer to a read of bytes with what the model has.
    async fn get(&mut self, key: &str) -> Check {
        let expected = self.model.get(key).cloned();
        let got = Answer::of(self.entry(Method::GET, key)).await;
        let head = Answer::of(self.entry(Method::HEAD, key)).await;
        same("status of HEAD", head.status, got.status)?;
        same("version of HEAD", head.header("etag"), got.header("etag"))?;
        let plain = self.server.request(Method::GET, "/v1/operations/data").query(&[("key", key)]);
        let plain = Answer::of(plain).await;
        same("status of the plain API", plain.status, got.status)?;
        let Some(expected) = expected else { return same("status", got.status, 404) };
        same("status", got.status, 200)?;
        same("value", &got.bytes, &expected.value)?;
        let ttl = self.model.remaining(&expected).map(|left| left.to_string());
        same("lifetime", got.header("larder-ttl-millis"), ttl.as_deref())?;
        self.same_version(key, got.header("etag"), &expected)?;
        same("value of the plain API", shown(&plain.json()), shown_bytes(&expected.value))
    }

    fn same_version(&self, key: &str, tag: Option<&str>, expected: &Entry) -> Check {
        let known = self.tags.get(key).into_iter().flatten().find(|(_, write)| *write == expected.write);
        // Increments and the plain API do not tell versions.
        known.map_or(Ok(()), |(known, _)| same("version", tag, Some(known)))
    }

    async fn put(&mut self, key: String, value: &str, ttl: Ttl, when: When) -> Check {
        let Some((header, condition)) = self.condition(&key, when) else { return Ok(()) };
        let mut request = self.entry(Method::PUT, &key).body(value.to_owned());
        if let Some(ttl) = ttl {
            request = request.query(&[("ttlMillis", ttl)]);
        }
        if let Some((name, tag)) = header {
            request = request.header(name, tag);
        }
        let put = Answer::of(request).await;
        match self.model.put(&key, value.as_bytes(), ttl, condition) {
            Some(write) => {
                same("status", put.status, 200)?;
                self.note(&key, put.header("etag"), write)
            }
            None => same("status", put.status, 412),
        }
    }

    async fn plain_put(&mut self, key: String, value: &str, ttl: Ttl, must_create: bool) -> Check {
        let mut body = json!({ "key": key, "value": value, "ifNotExists": must_create });
        if let Some(ttl) = ttl {
            // Exact: a lifetime of n ms is the nearest double to n/1000, and rounds up to no more than n ms.
            body["ttl"] = json!(ttl as f64 / 1_000.0);
        }
        let stored = self.server.post("/v1/operations/data", &body).await;
        same("status", stored.status, 200)?;
        let condition = if must_create { Condition::Absent } else { Condition::Always };
        let text = json!(value).to_string();
        let write = self.model.put(&key, text.as_bytes(), ttl, condition);
        same("stored", stored.json()["stored"].as_bool(), Some(write.is_some()))
    }

    async fn delete(&mut self, key: String, when: When) -> Check {
        let Some((header, condition)) = self.condition(&key, when) else { return Ok(()) };
        let mut request = self.entry(Method::DELETE, &key);
        match header {
            Some(("if-none-match", _)) => return Ok(()),
            Some((name, tag)) => request = request.header(name, tag),
            None => {}
        }
        let expected = if self.model.delete(&key, condition) { 204 } else { 412 };
        same("status", Answer::of(request).await.status, expected)
    }

    async fn touch(&mut self, key: String, ttl: Ttl, when: When) -> Check {
        let Some((header, condition)) = self.condition(&key, when) else { return Ok(()) };
        let mut request = self.server.request(Method::POST, "/v1/kv/main/touch");
        request = request.json(&json!({ "key": key, "ttlMillis": ttl }));
        let condition = match header {
            Some(("if-none-match", _)) => return Ok(()),
            Some((name, tag)) => {
                request = request.header(name, tag);
                condition
            }
            None => Condition::Live,
        };
        let touched = Answer::of(request).await;
        match self.model.touch(&key, ttl, condition) {
            Some(write) => {
                same("status", touched.status, 200)?;
                self.note(&key, touched.header("etag"), write)
            }
            None if self.model.get(&key).is_none() && matches!(touched.status, 404 | 412) => Ok(()),
            None => same("status", touched.status, 412),
        }
    }

    async fn increment(&mut self, key: String, delta: i64, ttl: Ttl) -> Check {
        let mut body = json!({ "key": key, "delta": delta });
        if let Some(ttl) = ttl {
            body["ttlMillis"] = json!(ttl);
        }
        let counted = self.server.post("/v1/kv/main/increment", &body).await;
        match self.model.increment(&key, delta, ttl) {
            Ok((sum, _)) => {
                same("status", counted.status, 200)?;
                same("sum", counted.json()["number"].as_i64(), Some(sum))
            }
            Err(NoCounter) => same("status", counted.status, 409),
        }
    }

    async fn get_many(&mut self, keys: Vec<String>) -> Check {
        let got = self.server.post("/v1/kv/main/get-many", &json!({ "keys": keys, "values": "json" })).await;
        same("status", got.status, 200)?;
        let items = got.json()["items"].as_array().cloned().unwrap_or_default();
        same("answers", items.len(), keys.len())?;
        for (key, item) in keys.iter().zip(&items) {
            match self.model.get(key) {
                Some(expected) => self.compare(item, expected)?,
                None => same("item", item, &json!({ "key": key, "absent": true }))?,
            }
        }
        Ok(())
    }

    async fn put_many(&mut self, entries: Vec<(String, &str)>, ttl: Ttl) -> Check {
        let shown: Vec<_> =
            entries.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        let mut body = json!({ "entries": shown });
        if let Some(ttl) = ttl {
            body["ttlMillis"] = json!(ttl);
        }
        let put = self.server.post("/v1/kv/main/put-many", &body).await;
        same("status", put.status, 200)?;
        same("answers", put.json()["items"].as_array().map(Vec::len), Some(entries.len()))?;
        // Of a key that is there twice, the last one is stored, and it is one write.
        let last: HashMap<&str, &str> = entries.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        for (key, value) in last {
            self.model.put(key, json!(value).to_string().as_bytes(), ttl, Condition::Always);
        }
        Ok(())
    }

    async fn scan(&mut self, prefix: &str, limit: usize) -> Check {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut request = self.server.request(Method::GET, "/v1/kv/main/scan");
            request = request.query(&[("prefix", prefix), ("limit", &limit.to_string()), ("values", "json")]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let page = Answer::of(request).await;
            same("status", page.status, 200)?;
            let page = page.json();
            let found = page["items"].as_array().cloned().unwrap_or_default();
            if found.len() > limit {
                return Err(format!("a page of {} has {} entries", limit, found.len()));
            }
            items.extend(found);
            cursor = page["cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        self.compare_all(prefix, &items)?;
        let plain = self.server.request(Method::GET, "/v1/operations/data").query(&[("prefix", prefix)]);
        let plain = Answer::of(plain).await.json()["items"].as_array().cloned().unwrap_or_default();
        let facts =
            |items: &[Value]| items.iter().map(|item| (item["key"].clone(), shown(item))).collect::<Vec<_>>();
        same("the page of the plain API", facts(&plain), facts(&items))
    }

    async fn stream(&mut self, prefix: &str) -> Check {
        let request = self.server.request(Method::GET, "/v1/kv/main/stream");
        let stream = Answer::of(request.query(&[("prefix", prefix), ("values", "json")])).await;
        same("status", stream.status, 200)?;
        let mut lines = stream.lines();
        let end = lines.pop().ok_or("there is no last line")?;
        same("the end", &end["complete"], &json!(true))?;
        same("entries", end["entries"].as_u64(), Some(lines.len() as u64))?;
        self.compare_all(prefix, &lines)
    }

    fn compare_all(&self, prefix: &str, items: &[Value]) -> Check {
        let expected = self.model.scan(prefix);
        let keys: Vec<_> = items.iter().filter_map(|item| item["key"].as_str()).collect();
        same("keys", keys, expected.iter().map(|entry| entry.key.as_str()).collect())?;
        items.iter().zip(expected).try_for_each(|(item, expected)| self.compare(item, expected))
    }

    /// Compares an entry in a document.
    fn compare(&self, item: &Value, expected: &Entry) -> Check {
        same("key", item["key"].as_str(), Some(expected.key.as_str()))?;
        same("value", shown(item), shown_bytes(&expected.value))?;
        same("lifetime", item["ttlMillis"].as_u64(), self.model.remaining(expected))?;
        let tag = item["version"].as_str().map(|version| format!("\"{version}\""));
        self.same_version(&expected.key, tag.as_deref(), expected)
    }
}

/// A value in a document: what it is, and how it is written.
fn shown(document: &Value) -> (Value, Value) {
    (document["value"].clone(), document["encoding"].clone())
}

/// How bytes are to stand in a document.
fn shown_bytes(bytes: &[u8]) -> (Value, Value) {
    use base64::Engine;
    match serde_json::from_slice(bytes) {
        Ok(json) => (json, Value::Null),
        Err(_) => (json!(base64::engine::general_purpose::STANDARD.encode(bytes)), json!("base64")),
    }
}
