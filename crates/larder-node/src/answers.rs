//! How answers come to JavaScript's thread: some in each turn of the event loop.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use napi::bindgen_prelude::{Function, FunctionCallContext};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};

use crate::alive::Alive;
use crate::begin::Calls;

/// As many answers are given in one turn at most. What resumes whoever waits for them takes a quarter of a millisecond.
const MOST: usize = 32;

thread_local! {
    /// By their environments, of which a thread has one, unless something loads the addon twice.
    static OF_THIS_THREAD: RefCell<Vec<(usize, Arc<Answers>)>> = const { RefCell::new(Vec::new()) };
}

/// What gives an answer, on JavaScript's thread.
type Answer = Box<dyn FnOnce(&Env) + Send>;
/// A function that other threads can call. By itself, it does not keep the process.
pub(crate) type Callback = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The answers for one environment, and the way of its calls to the threads that find them.
///
/// One way for the answers of all calls: the event loop looks through everything that might wake it whenever something does,
/// and a way for each, as napi-rs has it, is a thousand for a thousand calls. And only some of them in one turn: a store that
/// writes a thousand entries together is done with all of them at the same time, and each answer resumes somebody.
pub(crate) struct Answers {
    waiting: Mutex<Waiting>,
    callbacks: OnceLock<Callbacks>,
    alive: Alive,
    calls: Calls,
}

struct Callbacks {
    /// Has answers given in the next turn: it calls the other one. Made before that: on Unix, the loop goes through those who
    /// were called in the order in which they were made, so that this one, called by the other, comes one turn later. On
    /// Windows, whoever is called within a turn comes in the next one.
    next_turn: Callback,
    /// Gives answers.
    now: Callback,
}

#[derive(Default)]
struct Waiting {
    answers: VecDeque<Answer>,
    /// Whether one of the callbacks is about to come. It then gives what has been added meanwhile, too.
    is_coming: bool,
    /// How many were given since a turn certainly began.
    given: usize,
}

impl Answers {
    pub(crate) fn of(env: &Env) -> Result<Arc<Self>> {
        let id = env.raw().addr();
        let known = OF_THIS_THREAD
            .with_borrow(|all| all.iter().find(|(of, _)| *of == id).map(|(_, answers)| Arc::clone(answers)));
        if let Some(answers) = known {
            return Ok(answers);
        }
        // Not while they are borrowed: hooks of JavaScript's may look at what is made here, and call the addon.
        let answers = Self::new(env)?;
        OF_THIS_THREAD.with_borrow_mut(|all| all.push((id, Arc::clone(&answers))));
        // Hooks run the last one first: this one before the callbacks are gone. Nobody calls this environment any more.
        env.add_env_cleanup_hook(id, |id| {
            OF_THIS_THREAD.with_borrow_mut(|all| all.retain(|(of, _)| *of != id));
        })?;
        Ok(answers)
    }

    fn new(env: &Env) -> Result<Arc<Self>> {
        let (waiting, alive, calls) = (Mutex::default(), Alive::default(), Calls::new());
        let answers = Arc::new(Self { waiting, callbacks: OnceLock::new(), alive, calls });
        let next_turn = callback(env, &answers, |answers, _| answers.call_in_a_new_turn())?;
        let now = callback(env, &answers, Self::give_some)?;
        // There were none.
        let _ = answers.callbacks.set(Callbacks { next_turn, now });
        Ok(answers)
    }

    /// A call is about to begin on JavaScript's thread. The process does not end before it is answered.
    pub(crate) fn owe(&self, env: &Env) -> Result<()> {
        let Some(Callbacks { now, .. }) = self.callbacks.get() else { return Ok(()) };
        self.alive.more(env, now)
    }

    /// Begins what gives the answer, on the threads of the addon.
    pub(crate) fn begin(&self, call: impl Future<Output = ()> + Send + 'static) {
        self.calls.begin(call);
    }

    /// Gives the answer of a call that was begun. From any thread; behind the answers that were given before.
    pub(crate) fn give(&self, answer: impl FnOnce(&Env) + Send + 'static) {
        let mut waiting = self.lock();
        waiting.answers.push_back(Box::new(answer));
        let was_coming = std::mem::replace(&mut waiting.is_coming, true);
        drop(waiting);
        if !was_coming {
            self.call();
        }
    }

    fn call(&self) {
        if let Some(Callbacks { now, .. }) = self.callbacks.get() {
            // Where it fails, the environment ends, and with it whoever waits.
            let _ = now.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn call_in_a_new_turn(&self) {
        self.lock().given = 0;
        self.call();
    }

    fn give_some(&self, env: &Env) {
        let Some(Callbacks { next_turn, now }) = self.callbacks.get() else { return };
        let mut waiting = self.lock();
        let room = MOST.saturating_sub(waiting.given).min(waiting.answers.len());
        let some: Vec<_> = waiting.answers.drain(..room).collect();
        waiting.given += some.len();
        // Not before there are so many: who calls one after the other would pay for two more callbacks each time. But what is
        // given while these are is given in the same turn, again and again, and none of it knows when another begins.
        let is_full = waiting.given >= MOST;
        waiting.is_coming = is_full;
        drop(waiting);
        if is_full {
            let _ = next_turn.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
        self.alive.fewer(env, now, some.len());
        for answer in some {
            answer(env);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Answers {
    /// Without what they hold (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("waiting", &self.lock().answers.len()).finish_non_exhaustive()
    }
}

/// Makes a function of JavaScript's that other threads can call.
fn callback(env: &Env, answers: &Arc<Answers>, run: fn(&Answers, &Env)) -> Result<Callback> {
    let weak: Weak<Answers> = Arc::downgrade(answers);
    let function: Function<'_, (), ()> =
        env.create_function_from_closure("answer", move |context: FunctionCallContext<'_>| {
            if let Some(answers) = weak.upgrade() {
                run(&answers, context.env);
            }
            Ok(())
        })?;
    function.build_threadsafe_function::<()>().weak::<true>().build()
}
