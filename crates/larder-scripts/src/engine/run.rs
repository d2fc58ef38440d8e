//! Running a script.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::context::intrinsic;
use rquickjs::function::Opt;
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Error, Function, IntoJs, Module, Object, Persistent, Promise, Runtime, Value};

use super::bridge::{Answered, Bridge, Port};
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
    let rejections = rejections(&runtime);
    let context = Context::custom::<Language>(&runtime).map_err(of_engine)?;
    context.with(|ctx| {
        let bridge = Rc::new(Bridge::new(Rc::clone(port), run.host_calls));
        let ended = call((&ctx, &rejections), run, (&prelude, &code), &bridge, &meter);
        // No function may outlive its engine.
        rejections.take();
        match ended {
            Ok(end) | Err(Stopped::Ended(end)) => Ok(end),
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

/// Loads the script, calls what it exports, and goes on until all that it began is done.
fn call<'js>(
    (ctx, rejections): (&Ctx<'js>, &Rejections),
    run: &Run,
    (prelude, code): (&Bytecode, &Bytecode),
    bridge: &Rc<Bridge>,
    meter: &CpuMeter,
) -> Result<End, Stopped> {
    let (prelude, loaded) = raw::load(ctx, prelude)?.eval()?;
    loaded.finish::<()>()?;
    let given: Object<'js> =
        prelude.get::<_, Function<'js>>("default")?.call((natives(ctx, run, bridge)?,))?;
    let (settle, start): (Function<'js>, Function<'js>) = (given.get("settle")?, given.get("start")?);
    let work = Work { ctx, settle: &settle, bridge, meter, jobs: Cell::new(0) };
    let (script, loaded): (Module<'js, _>, _) = raw::load(ctx, code)?.eval()?;
    work.until_settled(&loaded)?;
    rejections.replace(Some(Persistent::save(ctx, given.get::<_, Function<'js>>("reject")?)));
    let main: Value<'js> = script.get("default")?;
    let promise: Promise<'js> = start.call((main, run.input.clone()))?;
    // What it comes to is known here: what goes on behind it changes nothing of it, unless it takes too much.
    let end = match work.until_settled(&promise).and_then(|result| returned(ctx, run, result)) {
        Ok(end) | Err(Stopped::Ended(end)) => end,
        Err(Stopped::Engine(error)) => thrown::end(ctx, meter, &error),
        Err(alone) => return Err(alone),
    };
    if matches!(end, End::Cpu | End::Memory) {
        return Ok(end);
    }
    work.until_quiet()?;
    if given.get::<_, Function<'js>>("tell")?.call::<_, ()>((promise,)).is_err() {
        // What cannot be told changes nothing, but for the time that the script took over it.
        ctx.catch();
    }
    Ok(if meter.has_ended_it() { End::Cpu } else { end })
}

/// What a script returned, as JSON.
fn returned<'js>(ctx: &Ctx<'js>, run: &Run, result: Value<'js>) -> Result<End, Stopped> {
    let json = match ctx.json_stringify(result)? {
        Some(json) => json.to_string()?,
        // As a function that returns nothing.
        None => "null".to_owned(),
    };
    let bytes = json.len() as u64;
    Ok(if bytes > run.output_bytes { End::OutputTooLarge(bytes) } else { End::Returned(json) })
}

/// The function that is told which promises were rejected while nobody listened, and which somebody listens to since.
type Rejections = Rc<RefCell<Option<Persistent<Function<'static>>>>>;

/// What was not given a function yet tells nobody.
fn rejections(runtime: &Runtime) -> Rejections {
    let rejections = Rejections::default();
    let told = Rc::clone(&rejections);
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, is_handled| {
        let Some(reject) = told.borrow().clone() else { return };
        let reject = reject.restore(&ctx);
        if reject.and_then(|reject| reject.call::<_, ()>((promise, reason, is_handled))).is_err() {
            // The script is out of memory or time, which it finds out itself.
            ctx.catch();
        }
    })));
    rejections
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
    /// How many jobs ran.
    jobs: Cell<u32>,
}

/// Whether something is left to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// A job ran, or an answer came.
    Made,
    /// There is no job and no call.
    None,
}

impl<'js> Work<'_, 'js> {
    /// Runs what can run and waits for answers, until a promise is settled.
    fn until_settled(&self, promise: &Promise<'js>) -> Result<Value<'js>, Stopped> {
        loop {
            if promise.state() != PromiseState::Pending
                && let Some(result) = promise.result()
            {
                return Ok(result?);
            }
            if self.step()? == Progress::None {
                return Err(Stopped::Ended(End::Threw(thrown::never_settled())));
            }
        }
    }

    /// The same until nothing is left: what nobody awaits is done, too, and so is what it leads to.
    fn until_quiet(&self) -> Result<(), Stopped> {
        while self.step()? == Progress::Made {}
        Ok(())
    }

    fn step(&self) -> Result<Progress, Stopped> {
        self.jobs.set(self.jobs.get().wrapping_add(1));
        if (self.jobs.get().is_multiple_of(JOBS_PER_LOOK) && self.meter.is_used_up())
            || self.meter.has_ended_it()
        {
            return Err(Stopped::Ended(End::Cpu));
        }
        if self.ctx.execute_pending_job() {
            return Ok(Progress::Made);
        }
        let Some(Answered { id, form, answer }) = self.bridge.answer().map_err(Stopped::Alone)? else {
            return Ok(Progress::None);
        };
        let answer = match answer {
            Ok(answer) => convert::value(self.ctx, answer, form)?,
            Err(refusal) => Err(refusal),
        };
        match answer {
            Ok(value) => self.settle.call::<_, ()>((id, value))?,
            Err(refusal) => self.settle.call::<_, ()>((id, refusal.message, refusal.code))?,
        }
        Ok(Progress::Made)
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
