//! The engine of a worker: made once, and put back to that after each run.

use std::io;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use rquickjs::context::intrinsic;
use rquickjs::{Context, Ctx, Error, Function, Object, Persistent, Runtime};

use super::bridge::Bridge;
use super::clock::CpuMeter;
use super::code::Bytecode;
use super::memory::{Image, Memory};
use super::natives::Now;
use super::raw;

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

/// The addresses that the engine has for each byte that it may take, and beside that: a free block may be of no use for what
/// is wanted next. They take no memory.
const FOR_EACH_BYTE: usize = 4;
const BESIDE: usize = 8 * 1024 * 1024;
/// At how many bytes the engine looks for cycles first: few runs come to that.
const GARBAGE: usize = 1024 * 1024;

/// A runtime and a context in which nothing has run but the prelude. Neither is ever dropped: the process ends with them.
pub(crate) struct Vm {
    runtime: ManuallyDrop<Runtime>,
    context: ManuallyDrop<Context>,
    prelude: ManuallyDrop<Prelude>,
    /// All memory of the two, as it was before the first run.
    fresh: Image,
    now: Rc<Now>,
    /// How many hold `now`.
    holders: usize,
}

/// The functions of the prelude.
struct Prelude {
    /// What it was given is held here, too: a script may drop what it finds of that, as `Math.random`.
    _natives: Persistent<Object<'static>>,
    settle: Persistent<Function<'static>>,
    start: Persistent<Function<'static>>,
    tell: Persistent<Function<'static>>,
}

/// The functions of the prelude, in a run.
pub(super) struct Given<'js> {
    /// Settles the promise of a call.
    pub(super) settle: Function<'js>,
    /// Calls what the script exports.
    pub(super) start: Function<'js>,
    /// Logs what failed and nobody was told of.
    pub(super) tell: Function<'js>,
}

/// Within what one run lives, and who makes its calls.
pub(super) struct Bounds<'a> {
    pub(super) heap_bytes: u64,
    pub(super) stack_bytes: u64,
    pub(super) meter: &'a CpuMeter,
    pub(super) bridge: &'a Rc<Bridge>,
}

impl Vm {
    /// An engine for runs of up to so many bytes.
    ///
    /// # Errors
    ///
    /// When the engine cannot be made.
    pub(crate) fn new(heap_bytes: u64) -> io::Result<Self> {
        let heap_bytes = usize::try_from(heap_bytes).unwrap_or(usize::MAX);
        let memory = Memory::new(heap_bytes.saturating_mul(FOR_EACH_BYTE).saturating_add(BESIDE))?;
        Self::within(memory).map_err(|error| io::Error::other(error.to_string()))
    }

    fn within(memory: Memory) -> Result<Self, Error> {
        let code = Bytecode::of_prelude()?;
        let runtime = ManuallyDrop::new(Runtime::new_with_alloc(memory.clone())?);
        runtime.set_gc_threshold(GARBAGE);
        let now = Rc::new(Now::new(memory.clone()));
        now.watch(&runtime);
        let context = ManuallyDrop::new(Context::custom::<Language>(&runtime)?);
        let prelude = context.with(|ctx| {
            let prelude = Prelude::load(&ctx, &code, &now);
            while ctx.execute_pending_job() {}
            prelude
        })?;
        runtime.run_gc();
        let (fresh, holders) = (memory.image(), Rc::strong_count(&now));
        Ok(Self { runtime, context, prelude: ManuallyDrop::new(prelude), fresh, now, holders })
    }

    /// Runs something in an engine that finds nothing of what ran before.
    ///
    /// # Errors
    ///
    /// When it cannot be made fresh again: nothing must run any more.
    #[allow(unsafe_code, reason = "the engine's memory is put back")]
    pub(super) fn run<T: 'static>(
        &mut self,
        bounds: Bounds<'_>,
        body: impl for<'js> FnOnce(&Ctx<'js>, &Given<'js>, &Now) -> T,
    ) -> io::Result<T> {
        let Self { runtime, context, prelude, fresh, now, holders } = self;
        now.bridge.replace(Some(Rc::clone(bounds.bridge)));
        now.meter.replace(Some(bounds.meter.clone()));
        now.is_heard.set(false);
        now.memory.limit(usize::try_from(bounds.heap_bytes).unwrap_or(usize::MAX));
        runtime.set_max_stack_size(usize::try_from(bounds.stack_bytes).unwrap_or(usize::MAX));
        let ended = context.with(|ctx| Ok(body(&ctx, &prelude.given(&ctx)?, now)));
        now.bridge.take();
        now.meter.take();
        if Rc::strong_count(now) != *holders {
            return Err(io::Error::other("the engine has lost something that it was given"));
        }
        // SAFETY: the image is of this memory, and was made when nothing had run. No value of the run is left: what it came
        // to cannot refer to one, and what is kept are functions of the prelude, which are in the image and stay in it. What
        // the image refers to outside are its own functions' captures and hooks: all are there, since each holds `now`.
        unsafe { now.memory.put_back(fresh) };
        ended.map_err(|error: Error| io::Error::other(error.to_string()))
    }
}

impl Prelude {
    fn load(ctx: &Ctx<'_>, code: &Bytecode, now: &Rc<Now>) -> Result<Self, Error> {
        let (prelude, loaded) = raw::load(ctx, code)?.eval()?;
        loaded.finish::<()>()?;
        let natives = now.natives(ctx)?;
        let made: Object<'_> = prelude.get::<_, Function<'_>>("default")?.call((natives.clone(),))?;
        let function =
            |name| made.get::<_, Function<'_>>(name).map(|function| Persistent::save(ctx, function));
        now.reject.replace(Some(function("reject")?));
        Ok(Self {
            _natives: Persistent::save(ctx, natives),
            settle: function("settle")?,
            start: function("start")?,
            tell: function("tell")?,
        })
    }

    fn given<'js>(&self, ctx: &Ctx<'js>) -> Result<Given<'js>, Error> {
        let [settle, start, tell] =
            [&self.settle, &self.start, &self.tell].map(|function| function.clone().restore(ctx));
        Ok(Given { settle: settle?, start: start?, tell: tell? })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::bridge::Port;
    use crate::wire::{Answer, FromWorker, Refusal};

    /// Makes no calls.
    struct Nobody;

    impl Port for Nobody {
        fn say(&self, _: &FromWorker) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn reply(&self) -> io::Result<(u32, Result<Answer, Refusal>)> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    #[test]
    fn an_engine_that_may_have_lost_what_it_refers_to_runs_no_more() {
        let mut vm = Vm::new(1024 * 1024).expect("an engine");
        let (meter, bridge) =
            (CpuMeter::start(Duration::from_secs(60)), Rc::new(Bridge::new(Rc::new(Nobody), 0)));
        let bounds =
            || Bounds { heap_bytes: 1024 * 1024, stack_bytes: 256 * 1024, meter: &meter, bridge: &bridge };
        let write = |ctx: &Ctx<'_>, _: &Given<'_>, _: &Now| ctx.globals().set("left", 1).is_ok();
        let read =
            |ctx: &Ctx<'_>, _: &Given<'_>, _: &Now| ctx.globals().contains_key("left").expect("it is known");
        assert!(vm.run(bounds(), write).expect("a run"));
        assert!(!vm.run(bounds(), read).expect("a run"));
        // One that holds it less.
        vm.runtime.set_interrupt_handler(None);
        assert!(vm.run(bounds(), write).is_err());
    }
}
