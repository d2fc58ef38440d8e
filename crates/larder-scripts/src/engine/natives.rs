//! What the prelude is given of ours: the only ways out of a script.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rquickjs::function::Opt;
use rquickjs::{Ctx, Error, Function, IntoJs, Object, Persistent, Runtime, Value};

use super::bridge::Bridge;
use super::clock::CpuMeter;
use super::memory::Memory;
use crate::limits::MAX_PAGE;
use crate::outcome::LogLevel;

/// The run that is under way, for what the engine calls of ours. All of that holds it, so that the count of those who do
/// tells whether all of it is still there.
pub(super) struct Now {
    /// The engine's.
    pub(super) memory: Memory,
    pub(super) bridge: RefCell<Option<Rc<Bridge>>>,
    pub(super) meter: RefCell<Option<CpuMeter>>,
    /// Is told which promises were rejected while nobody listened, and which somebody listens to since.
    pub(super) reject: RefCell<Option<Persistent<Function<'static>>>>,
    /// Whether it is told: only once the script is loaded.
    pub(super) is_heard: Cell<bool>,
}

impl Now {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            memory,
            bridge: RefCell::default(),
            meter: RefCell::default(),
            reject: RefCell::default(),
            is_heard: Cell::default(),
        }
    }

    /// Hooks it into an engine.
    pub(super) fn watch(self: &Rc<Self>, runtime: &Runtime) {
        let now = Rc::clone(self);
        runtime.set_interrupt_handler(Some(Box::new(move || {
            now.meter.borrow().as_ref().is_some_and(CpuMeter::is_used_up)
        })));
        let now = Rc::clone(self);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(
            move |ctx, promise, reason, is_handled| {
                let Some(reject) = now.reject.borrow().clone().filter(|_| now.is_heard.get()) else { return };
                let reject = reject.restore(&ctx);
                if reject.and_then(|reject| reject.call::<_, ()>((promise, reason, is_handled))).is_err() {
                    // The script is out of memory or time, which it finds out itself.
                    ctx.catch();
                }
            },
        )));
    }

    /// The functions that the prelude is given.
    pub(super) fn natives<'js>(self: &Rc<Self>, ctx: &Ctx<'js>) -> Result<Object<'js>, Error> {
        let natives = Object::new(ctx.clone())?;
        let now = Rc::clone(self);
        let send = move |ctx: Ctx<'js>,
                         operation: String,
                         key: String,
                         value: Opt<Value<'js>>,
                         number: Opt<Option<f64>>,
                         text: Opt<Option<String>>| {
            let Some(to) = now.bridge.borrow().clone() else { return Err(Error::Unknown) };
            match to.send(&operation, key, value.0, number.0.flatten(), text.0.flatten()) {
                Ok(id) => id.into_js(&ctx),
                Err(refusal) => format!("{} {}", refusal.code, refusal.message).into_js(&ctx),
            }
        };
        let now = Rc::clone(self);
        let write = move |level: u8, text: String| {
            let level = match level {
                0 => LogLevel::Debug,
                2 => LogLevel::Warn,
                3 => LogLevel::Error,
                _ => LogLevel::Info,
            };
            if let Some(to) = &*now.bridge.borrow() {
                to.log(level, text);
            }
        };
        let now = Rc::clone(self);
        let uuid = move || {
            let _held = &now;
            uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
        };
        let now = Rc::clone(self);
        let random = move || {
            let _held = &now;
            rand::random::<f64>()
        };
        natives.set("send", Function::new(ctx.clone(), send)?)?;
        natives.set("write", Function::new(ctx.clone(), write)?)?;
        natives.set("uuid", Function::new(ctx.clone(), uuid)?)?;
        natives.set("random", Function::new(ctx.clone(), random)?.with_name("random")?)?;
        natives.set("maxPage", MAX_PAGE as u32)?;
        Ok(natives)
    }
}
