//! Running a script.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Error, Function, Module, Promise, Runtime, Value};

use super::bridge::{Answered, Bridge, Port};
use super::clock::CpuMeter;
use super::code::{Bytecode, Codes};
use super::natives::Now;
use super::vm::{Bounds, Given, Vm};
use super::{convert, raw, thrown};
use crate::wire::{End, Mode, Run};

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
/// When whoever makes its calls is gone, or the engine is of no use any more.
pub(crate) fn run(run: &Run, vm: &mut Vm, codes: &mut Codes, port: &Rc<dyn Port>) -> io::Result<End> {
    let meter = CpuMeter::start(Duration::from_micros(run.cpu_micros));
    let code = match codes.script(run, &meter) {
        Ok(code) => code,
        Err(end) => return Ok(end),
    };
    if run.mode == Mode::Check {
        return Ok(End::Checked);
    }
    let bridge = Rc::new(Bridge::new(Rc::clone(port), run.host_calls));
    let (heap_bytes, stack_bytes) = (run.heap_bytes, run.stack_bytes);
    vm.run(Bounds { heap_bytes, stack_bytes, meter: &meter, bridge: &bridge }, |ctx, given, now| match call(
        ctx,
        run,
        &code,
        given,
        now,
        (&bridge, &meter),
    ) {
        Ok(end) | Err(Stopped::Ended(end)) => Ok(end),
        Err(Stopped::Alone(error)) => Err(error),
        Err(Stopped::Engine(error)) => Ok(thrown::end(ctx, &meter, now.memory.has_refused(), &error)),
    })?
}

/// Loads the script, calls what it exports, and goes on until all that it began is done.
fn call<'js>(
    ctx: &Ctx<'js>,
    run: &Run,
    code: &Bytecode,
    given: &Given<'js>,
    now: &Now,
    (bridge, meter): (&Bridge, &CpuMeter),
) -> Result<End, Stopped> {
    let work = Work { ctx, settle: &given.settle, bridge, meter, jobs: Cell::new(0) };
    let (script, loaded): (Module<'js, _>, _) = raw::load(ctx, code)?.eval()?;
    work.until_settled(&loaded)?;
    now.is_heard.set(true);
    let main: Value<'js> = script.get("default")?;
    let promise: Promise<'js> =
        given.start.call((main, run.input.clone(), run.name.as_str(), run.version.as_str()))?;
    // What it comes to is known here: what goes on behind it changes nothing of it, unless it takes too much.
    let end = match work.until_settled(&promise).and_then(|result| returned(ctx, run, result)) {
        Ok(end) | Err(Stopped::Ended(end)) => end,
        Err(Stopped::Engine(error)) => thrown::end(ctx, meter, now.memory.has_refused(), &error),
        Err(alone) => return Err(alone),
    };
    if matches!(end, End::Cpu | End::Memory) {
        return Ok(end);
    }
    work.until_quiet()?;
    if given.tell.call::<_, ()>((promise,)).is_err() {
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
