//! Running a script.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::context::intrinsic;
use rquickjs::function::Opt;
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Error, Function, IntoJs, Module, Object, Promise, Runtime, Value};

use super::bridge::{Bridge, Port};
use super::clock::CpuMeter;
use super::code::{Bytecode, Codes};
use super::{convert, raw, thrown};
use crate::limits::MAX_PAGE;
use crate::outcome::LogLevel;
use crate::wire::{End, Mode, Run};

/// All of the language that text cannot be made code with. Timers of high resolution are left out, too.
type Language = (
    intrinsic::Date,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
);

/// How many jobs run between two looks at the clock: short ones never reach the engine's own.
const JOBS_PER_LOOK: u32 = 64;

/// Why a run went no further.
enum Stopped {
    /// It ended, by itself or by a limit.
    Ended(End),
    /// Whoever makes its calls is gone.
    Alone(io::Error),
    /// The engine says so.
    Engine(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Runs a script to its end.
///
/// # Errors
///
/// When whoever makes its calls is gone.
pub(crate) fn run(run: &Run, codes: &mut Codes, port: &Rc<dyn Port>) -> io::Result<End> {
    let meter = CpuMeter::start(Duration::from_micros(run.cpu_micros));
    let code = match codes.script(run, &meter) {
        Ok(code) => code,
        Err(end) => return Ok(end),
    };
    if run.mode == Mode::Check {
        return Ok(End::Checked);
    }
    let of_engine = |error: Error| io::Error::other(error.to_string());
    let prelude = codes.prelude(run, &meter).map_err(of_engine)?;
    let runtime = runtime(run, &meter).map_err(of_engine)?;
    let context = Context::custom::<Language>(&runtime).map_err(of_engine)?;
    context.with(|ctx| {
        let bridge = Rc::new(Bridge::new(Rc::clone(port), run.host_calls));
        match call(&ctx, run, (&prelude, &code), &bridge, &meter) {
            Ok(json) if json.len() as u64 > run.output_bytes => Ok(End::OutputTooLarge(json.len() as u64)),
            Ok(json) => Ok(End::Returned(json)),
            Err(Stopped::Ended(end)) => Ok(end),
            Err(Stopped::Alone(error)) => Err(error),
            Err(Stopped::Engine(error)) => Ok(thrown::end(&ctx, &meter, &error)),
        }
    })
}

/// An engine within the limits of a run.
pub(super) fn runtime(run: &Run, meter: &CpuMeter) -> Result<Runtime, Error> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(usize::try_from(run.heap_bytes).unwrap_or(usize::MAX));
    runtime.set_max_stack_size(usize::try_from(run.stack_bytes).unwrap_or(usize::MAX));
    let meter = meter.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || meter.is_used_up())));
    Ok(runtime)
}

/// Loads the script, calls what it exports, and returns its result as JSON.
fn call<'js>(
    ctx: &Ctx<'js>,
    run: &Run,
    (prelude, code): (&Bytecode, &Bytecode),
    bridge: &Rc<Bridge>,
    meter: &CpuMeter,
) -> Result<String, Stopped> {
    let (prelude, loaded) = raw::load(ctx, prelude)?.eval()?;
    loaded.finish::<()>()?;
    let given: Object<'js> =
        prelude.get::<_, Function<'js>>("default")?.call((natives(ctx, run, bridge)?,))?;
    let (settle, start): (Function<'js>, Function<'js>) = (given.get("settle")?, given.get("start")?);
    let work = Work { ctx, settle: &settle, bridge, meter };
    let (script, loaded): (Module<'js, _>, _) = raw::load(ctx, code)?.eval()?;
    work.until_settled(&loaded)?;
    let main: Value<'js> = script.get("default")?;
    let promise: Promise<'js> = start.call((main, run.input.clone()))?;
    let result = work.until_settled(&promise)?;
    let json = ctx.json_stringify(result)?;
    Ok(match json {
        Some(json) => json.to_string()?,
        // As a function that returns nothing.
        None => "null".to_owned(),
    })
}

/// What the prelude is given: the only ways out.
fn natives<'js>(ctx: &Ctx<'js>, run: &Run, bridge: &Rc<Bridge>) -> Result<Object<'js>, Error> {
    let natives = Object::new(ctx.clone())?;
    let to = Rc::clone(bridge);
    let send = move |ctx: Ctx<'js>,
                     operation: String,
                     key: String,
                     value: Opt<Value<'js>>,
                     number: Opt<Option<f64>>,
                     text: Opt<Option<String>>| {
        match to.send(&operation, key, value.0, number.0.flatten(), text.0.flatten()) {
            Ok(id) => id.into_js(&ctx),
            Err(refusal) => format!("{} {}", refusal.code, refusal.message).into_js(&ctx),
        }
    };
    let to = Rc::clone(bridge);
    let write = move |level: u8, text: String| {
        let level = match level {
            0 => LogLevel::Debug,
            2 => LogLevel::Warn,
            3 => LogLevel::Error,
            _ => LogLevel::Info,
        };
        to.log(level, text);
    };
    let uuid = || uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string();
    natives.set("send", Function::new(ctx.clone(), send)?)?;
    natives.set("write", Function::new(ctx.clone(), write)?)?;
    natives.set("uuid", Function::new(ctx.clone(), uuid)?)?;
    natives.set("name", run.name.as_str())?;
    natives.set("version", run.version.as_str())?;
    natives.set("maxPage", MAX_PAGE as u32)?;
    Ok(natives)
}

/// A script at work.
struct Work<'a, 'js> {
    ctx: &'a Ctx<'js>,
    settle: &'a Function<'js>,
    bridge: &'a Bridge,
    meter: &'a CpuMeter,
}

impl<'js> Work<'_, 'js> {
    /// Runs what can run and waits for answers, until a promise is settled.
    fn until_settled(&self, promise: &Promise<'js>) -> Result<Value<'js>, Stopped> {
        let mut jobs = 0_u32;
        loop {
            if promise.state() != PromiseState::Pending
                && let Some(result) = promise.result()
            {
                return Ok(result?);
            }
            jobs = jobs.wrapping_add(1);
            if (jobs % JOBS_PER_LOOK == 0 && self.meter.is_used_up()) || self.meter.has_ended_it() {
                return Err(Stopped::Ended(End::Cpu));
            }
            if self.ctx.execute_pending_job() {
                continue;
            }
            let Some((id, form, answer)) = self.bridge.answer().map_err(Stopped::Alone)? else {
                return Err(Stopped::Ended(End::Threw(thrown::never_settled())));
            };
            let answer = match answer {
                Ok(answer) => convert::value(self.ctx, answer, form)?,
                Err(refusal) => Err(refusal),
            };
            match answer {
                Ok(value) => self.settle.call::<_, ()>((id, value))?,
                Err(refusal) => self.settle.call::<_, ()>((id, refusal.message, refusal.code))?,
            }
        }
    }
}

/// Lets libraries read from the system what they read once: after that, the system may be out of reach.
pub(crate) fn warm_up() {
    // The time zone. Without an engine there will be no runs either, which say so themselves.
    if let Ok(runtime) = Runtime::new()
        && let Ok(context) = Context::full(&runtime)
    {
        context.with(|ctx| drop(ctx.eval::<f64, _>("new Date(0).getTimezoneOffset()")));
    }
    let _: u64 = rand::random();
}
