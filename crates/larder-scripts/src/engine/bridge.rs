//! From the script to whoever makes its calls, and back.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;

use rquickjs::{TypedArray, Value};

use super::convert::Form;
use super::raw::bytes_of;
use crate::limits::{MAX_IN_FLIGHT, MAX_LOG_BYTES, MAX_PAGE, MAX_TEXT};
use crate::outcome::{LogLevel, LogLine};
use crate::wire::{Answer, Call, FromWorker, Refusal, When};

/// Who makes the calls of a run.
pub(crate) trait Port {
    /// Says something to it.
    fn say(&self, message: &FromWorker) -> io::Result<()>;
    /// Waits for the answer to a call that was sent.
    fn reply(&self) -> io::Result<(u32, Result<Answer, Refusal>)>;
}

/// The answer to a call of this number, and in which form the script wants it.
pub(super) struct Answered {
    pub(super) id: u32,
    pub(super) form: Form,
    pub(super) answer: Result<Answer, Refusal>,
}

/// The calls and the log of one run.
pub(super) struct Bridge {
    port: Rc<dyn Port>,
    state: RefCell<State>,
}

struct State {
    next: u32,
    /// How many more calls may be made.
    left: u32,
    /// The calls that were not answered yet, sent or waiting.
    forms: HashMap<u32, Form>,
    waiting: VecDeque<(u32, Call)>,
    /// Bytes that may still be logged.
    log_left: usize,
    /// Whether more was logged than there was room for.
    is_log_cut: bool,
}

impl Bridge {
    pub(super) fn new(port: Rc<dyn Port>, host_calls: u32) -> Self {
        let state = State {
            next: 0,
            left: host_calls,
            forms: HashMap::new(),
            waiting: VecDeque::new(),
            log_left: MAX_LOG_BYTES,
            is_log_cut: false,
        };
        Self { port, state: RefCell::new(state) }
    }

    /// Sends a call, or lets it wait until others are answered. Returns its number.
    pub(super) fn send(
        &self,
        operation: &str,
        key: String,
        value: Option<Value<'_>>,
        number: Option<f64>,
        text: Option<String>,
    ) -> Result<u32, Refusal> {
        let text = text.unwrap_or_default();
        if key.len().max(text.len()) > MAX_TEXT {
            return Err(Refusal::new(
                "INVALID_INPUT",
                "the key, the prefix, the cursor or the version is far too long",
            ));
        }
        let form = if operation == "get text" { Form::Text } else { Form::Bytes };
        let call = call(operation, key, value, number, text)?;
        let mut state = self.state.borrow_mut();
        let Some(left) = state.left.checked_sub(1) else {
            return Err(Refusal::new(
                "CALL_LIMIT",
                "the script has made as many calls on the store as a run may",
            ));
        };
        state.left = left;
        let id = state.next;
        state.next += 1;
        let in_flight = state.forms.len() - state.waiting.len();
        state.forms.insert(id, form);
        if in_flight < MAX_IN_FLIGHT {
            self.say(&FromWorker::Call { id, call });
        } else {
            state.waiting.push_back((id, call));
        }
        Ok(id)
    }

    /// Waits for an answer; `None` if no call is under way.
    pub(super) fn answer(&self) -> io::Result<Option<Answered>> {
        if self.state.borrow().forms.is_empty() {
            return Ok(None);
        }
        let (id, answer) = self.port.reply()?;
        let mut state = self.state.borrow_mut();
        let form = state.forms.remove(&id).ok_or_else(|| io::Error::other("an answer to no call"))?;
        if let Some((id, call)) = state.waiting.pop_front() {
            self.port.say(&FromWorker::Call { id, call })?;
        }
        Ok(Some(Answered { id, form, answer }))
    }

    /// Adds to the script's log, as far as there is room.
    pub(super) fn log(&self, level: LogLevel, mut text: String) {
        let mut state = self.state.borrow_mut();
        if state.is_log_cut {
            return;
        }
        // An empty line is something, too.
        if let Some(left) = state.log_left.checked_sub(text.len() + 1) {
            state.log_left = left;
            self.say(&FromWorker::Log(LogLine { level, text }));
            return;
        }
        state.is_log_cut = true;
        let end = text.floor_char_boundary(state.log_left);
        text.truncate(end);
        if !text.is_empty() {
            self.say(&FromWorker::Log(LogLine { level, text }));
        }
        self.say(&FromWorker::LogsCut);
    }

    /// If nobody listens any more, whoever waits for an answer next finds out.
    fn say(&self, message: &FromWorker) {
        drop(self.port.say(message));
    }
}

fn call(
    operation: &str,
    key: String,
    value: Option<Value<'_>>,
    number: Option<f64>,
    text: String,
) -> Result<Call, Refusal> {
    let ttl_millis = number.filter(|millis| *millis >= 0.0).map(|millis| millis as u64);
    let version = || text.clone();
    Ok(match operation {
        "get" | "get text" => Call::Get { key },
        "entry" => Call::Entry { key },
        "exists" => Call::Exists { key },
        "put always" => Call::Put { key, value: bytes(value)?, ttl_millis, when: When::Always },
        "put absent" => Call::Put { key, value: bytes(value)?, ttl_millis, when: When::Absent },
        "put version" => Call::Put { key, value: bytes(value)?, ttl_millis, when: When::Version(version()) },
        "delete" => Call::Delete { key, version: None },
        "delete version" => Call::Delete { key, version: Some(version()) },
        "scan" => {
            let limit = number.map_or(MAX_PAGE as u32, |limit| limit as u32);
            Call::Scan { prefix: key, limit, cursor: (!text.is_empty()).then(version) }
        }
        "increment" => {
            let delta = text
                .parse()
                .map_err(|_| Refusal::new("INVALID_INPUT", "what is added is no whole number of 64 bits"))?;
            Call::Increment { key, delta, ttl_millis }
        }
        _ => return Err(Refusal::new("UNSUPPORTED", "there is no such call")),
    })
}

/// The bytes of a value. One that no store takes is refused before it is sent.
fn bytes(value: Option<Value<'_>>) -> Result<Vec<u8>, Refusal> {
    let refused = |why: String| Refusal::new("INVALID_INPUT", why);
    let value = value.ok_or_else(|| refused("there is no value".to_owned()))?;
    let bytes = if let Some(text) = value.as_string() {
        text.to_string().map_err(|_| refused("the value has half a character in it".to_owned()))?.into_bytes()
    } else {
        TypedArray::<u8>::from_value(value)
            .ok()
            .and_then(|array| bytes_of(&array))
            .ok_or_else(|| refused("the value is no text and no bytes".to_owned()))?
    };
    if bytes.len() > larder_core::MAX_VALUE_BYTES {
        return Err(refused(format!(
            "the value has {} bytes; the limit is {}: store large data elsewhere and its address here",
            bytes.len(),
            larder_core::MAX_VALUE_BYTES
        )));
    }
    Ok(bytes)
}
