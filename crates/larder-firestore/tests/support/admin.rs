//! A server of Firestore's Admin API, written from Google's published description, which it holds every request to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::description::{Call, assert_answers, read};
use super::{Asked, Server, http, reset};

/// How long operations go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// They are done in the answer to the request.
    AtOnce,
    /// They are done when somebody has looked so many times.
    After(usize),
    Never,
    /// They come to nothing.
    Failing,
}

/// The Admin API of one project.
#[derive(Clone)]
pub(crate) struct AdminServer {
    pub(crate) url: String,
    server: Arc<Server>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    databases: BTreeMap<String, Value>,
    fields: BTreeMap<String, Field>,
    operations: BTreeMap<String, Running>,
    pace: Option<Pace>,
    /// Requests that were not as the description says.
    violations: Vec<String>,
    /// Whether the first reply to each request is lost: what was asked for is done.
    loses: bool,
    lost: BTreeSet<String>,
    /// The ids of the methods that were called.
    calls: Vec<String>,
    authorizations: Vec<String>,
}

#[derive(Clone, Default)]
struct Field {
    exempt: bool,
    /// Whether it has indexes that somebody set for it alone.
    own: bool,
    ttl: Option<Value>,
}

#[derive(Clone)]
struct Running {
    looks: usize,
    done: Change,
}

#[derive(Clone)]
enum Change {
    Database(String, Value),
    Field(String, Field),
}

impl AdminServer {
    pub(crate) async fn start(pace: Pace) -> Self {
        let state = Arc::new(Mutex::new(State { pace: Some(pace), ..State::default() }));
        let shared = Arc::clone(&state);
        let server =
            Server::start(move |asked| std::future::ready(shared.lock().expect("no panic").answer(&asked)));
        let server = server.await;
        Self { url: server.url.clone(), server: Arc::new(server), state }
    }

    pub(crate) fn add_database(&self, name: &str, location: &str, kind: &str) {
        let database = json!({ "name": name, "locationId": location, "type": kind });
        self.state.lock().expect("no panic").databases.insert(name.to_owned(), database);
    }

    pub(crate) fn set_ttl(&self, field: &str, ttl: Value) {
        self.state.lock().expect("no panic").fields.entry(field.to_owned()).or_default().ttl = Some(ttl);
    }

    pub(crate) fn set_own_index(&self, field: &str) {
        self.state.lock().expect("no panic").fields.entry(field.to_owned()).or_default().own = true;
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        self.state.lock().expect("no panic").pace = Some(pace);
    }

    /// Loses the first reply to each request from here on. Returns how many were lost so far.
    pub(crate) fn lose_first_replies(&self) -> usize {
        let mut state = self.state.lock().expect("no panic");
        state.loses = true;
        std::mem::take(&mut state.lost).len()
    }

    /// The methods called since the last look.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("no panic").calls)
    }

    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.state.lock().expect("no panic").authorizations.clone()
    }

    pub(crate) fn assert_was_asked_as_described(&self) {
        let state = self.state.lock().expect("no panic");
        assert_eq!(state.violations, Vec::<String>::new());
        assert!(!self.server.asked().is_empty());
    }

    pub(crate) fn is_exempt(&self, field: &str) -> bool {
        self.state.lock().expect("no panic").fields.get(field).is_some_and(|field| field.exempt)
    }

    pub(crate) fn ttl(&self, field: &str) -> Option<Value> {
        self.state.lock().expect("no panic").fields.get(field).and_then(|field| field.ttl.clone())
    }
}

type Reply = Result<Value, (u16, &'static str)>;

impl State {
    fn answer(&mut self, asked: &Asked) -> super::Reply {
        self.authorizations.push(asked.authorization.clone());
        let path = asked
            .path
            .split_once("://")
            .map_or(asked.path.as_str(), |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        let call = match read(&asked.method, path, &asked.body) {
            Ok(call) => call,
            Err(violation) => {
                self.violations.push(violation);
                return refusal(400, "INVALID_ARGUMENT");
            }
        };
        self.calls.push(call.method.to_owned());
        let answer = self.perform(&call);
        let request = format!("{} {path}", asked.method);
        if self.loses && self.lost.insert(request) {
            return reset(h2::Reason::INTERNAL_ERROR);
        }
        match answer {
            Ok(answer) => {
                assert_answers(call.method, &answer);
                http(200, answer.to_string())
            }
            Err((status, code)) => refusal(status, code),
        }
    }

    fn perform(&mut self, call: &Call) -> Reply {
        match call.method {
            "projects.databases.get" => self.databases.get(&call.name).cloned().ok_or((404, "NOT_FOUND")),
            "projects.databases.create" => {
                let id = call.query("databaseId").ok_or((400, "INVALID_ARGUMENT"))?;
                let name = format!("{}/databases/{id}", call.name);
                if self.databases.contains_key(&name) {
                    return Err((409, "ALREADY_EXISTS"));
                }
                if call.body["locationId"].is_null() || call.body["type"].is_null() {
                    return Err((400, "INVALID_ARGUMENT"));
                }
                let mut database = call.body.clone();
                database["name"] = Value::from(name.clone());
                Ok(self.begin(&name.clone(), Change::Database(name, database)))
            }
            "projects.databases.operations.get" => self.look(&call.name),
            "projects.databases.collectionGroups.fields.get" => {
                self.database_of(&call.name)?;
                let field = self.fields.get(&call.name).cloned().unwrap_or_default();
                Ok(shown(&call.name, &field))
            }
            "projects.databases.collectionGroups.fields.patch" => self.patch(call),
            other => unreachable!("{other}"),
        }
    }

    fn database_of(&self, name: &str) -> Result<String, (u16, &'static str)> {
        let database = name.split('/').take(4).collect::<Vec<_>>().join("/");
        if self.databases.contains_key(&database) { Ok(database) } else { Err((404, "NOT_FOUND")) }
    }

    fn patch(&mut self, call: &Call) -> Reply {
        let database = self.database_of(&call.name)?;
        if call.body["name"] != call.name.as_str() {
            return Err((400, "INVALID_ARGUMENT"));
        }
        let mut field = self.fields.get(&call.name).cloned().unwrap_or_default();
        let mask = call.query("updateMask").unwrap_or("indexConfig,ttlConfig");
        for part in mask.split(',') {
            match part {
                "indexConfig" => {
                    let indexes = call.body["indexConfig"]["indexes"].as_array();
                    field.exempt = indexes.is_some_and(Vec::is_empty);
                    field.own = indexes.is_some_and(|indexes| !indexes.is_empty());
                }
                "ttlConfig" => {
                    field.ttl = call.body["ttlConfig"].is_object().then(|| json!({ "state": "ACTIVE" }));
                    if field.ttl.is_some() {
                        let creating = json!({ "state": "CREATING" });
                        self.fields.entry(call.name.clone()).or_default().ttl = Some(creating);
                    }
                }
                _ => return Err((400, "INVALID_ARGUMENT")),
            }
        }
        Ok(self.begin(&database, Change::Field(call.name.clone(), field)))
    }

    fn begin(&mut self, database: &str, done: Change) -> Value {
        let name = format!("{database}/operations/op-{}", self.operations.len());
        if self.pace == Some(Pace::AtOnce) {
            self.make(done);
            return json!({ "name": name, "done": true, "response": { "@type": "type.googleapis.com/x" } });
        }
        self.operations.insert(name.clone(), Running { looks: 0, done });
        json!({ "name": name })
    }

    fn look(&mut self, name: &str) -> Reply {
        let running = self.operations.get_mut(name).ok_or((404, "NOT_FOUND"))?;
        running.looks += 1;
        let (looks, done) = (running.looks, running.done.clone());
        Ok(match self.pace {
            Some(Pace::After(enough)) if looks >= enough => {
                self.make(done);
                json!({ "name": name, "done": true, "response": { "@type": "type.googleapis.com/x" } })
            }
            Some(Pace::Failing) => {
                json!({ "name": name, "done": true, "error": { "code": 13, "message": "hunter2" } })
            }
            _ => json!({ "name": name, "metadata": { "state": "PROCESSING" } }),
        })
    }

    fn make(&mut self, change: Change) {
        match change {
            Change::Database(name, database) => drop(self.databases.insert(name, database)),
            Change::Field(name, field) => drop(self.fields.insert(name, field)),
        }
    }
}

fn shown(name: &str, field: &Field) -> Value {
    let ancestor = "projects/p/databases/d/collectionGroups/__default__/fields/*";
    let index = match field.exempt {
        true => json!({ "ancestorField": ancestor }),
        false => json!({
            "usesAncestorConfig": !field.own,
            "ancestorField": ancestor,
            "indexes": [{
                "queryScope": "COLLECTION",
                "fields": [{ "fieldPath": "*", "order": "ASCENDING" }],
                "state": "READY",
            }],
        }),
    };
    let mut shown = json!({ "name": name, "indexConfig": index });
    if let Some(ttl) = &field.ttl {
        shown["ttlConfig"] = ttl.clone();
    }
    shown
}

fn refusal(status: u16, code: &str) -> super::Reply {
    http(status, json!({ "error": { "code": status, "message": "hunter2", "status": code } }).to_string())
}
