//! How answers come to JavaScript's thread: some in each turn of the event loop.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use napi::bindgen_prelude::{Function, FunctionCallContext};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};

use crate::alive::Alive;

/// As many answers are given in one turn at most. What resumes whoever waits for them takes about half a millisecond.
const MOST: usize = 64;

thread_local! {
    static OF_THIS_THREAD: RefCell<Option<Arc<Answers>>> = const { RefCell::new(None) };
}

/// What gives an answer, on JavaScript's thread.
type Answer = Box<dyn FnOnce(&Env) + Send>;
/// Calls a function on JavaScript's thread. By itself, it does not keep the process.
type Waker = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The answers for one thread of JavaScript.
///
/// One way for all of them: the event loop looks through everything that might wake it whenever something does, and a way for
/// each, as Node-API has it, is a thousand for a thousand calls. And only some of them in one turn: a store that writes a
/// thousand entries together is done with all of them at the same time, and each answer resumes somebody.
pub(crate) struct Answers {
    waiting: Mutex<Waiting>,
    /// Gives answers in this turn, and has the rest given in the next one. Called by whoever finds nobody called.
    wakers: OnceLock<Wakers>,
    alive: Alive,
}

struct Wakers {
    /// Made before the other one. The loop goes through those who were called in the order in which they were made: called by
    /// the other one, it comes in the next turn, and calls it there.
    next_turn: Waker,
    now: Waker,
}

#[derive(Default)]
struct Waiting {
    answers: VecDeque<Answer>,
    /// Whether JavaScript's thread has been called, and has not yet been there.
    is_called: bool,
}

impl Answers {
    pub(crate) fn of_this_thread(env: &Env) -> Result<Arc<Self>> {
        OF_THIS_THREAD.with_borrow_mut(|answers| match answers {
            Some(answers) => Ok(Arc::clone(answers)),
            None => Ok(Arc::clone(answers.insert(Self::new(env)?))),
        })
    }

    fn new(env: &Env) -> Result<Arc<Self>> {
        let answers =
            Arc::new(Self { waiting: Mutex::default(), wakers: OnceLock::new(), alive: Alive::default() });
        let next_turn = waker(env, &answers, |answers, _| answers.call())?;
        let now = waker(env, &answers, Self::give_some)?;
        // There were none.
        let _ = answers.wakers.set(Wakers { next_turn, now });
        // Nobody is called there any more, and another environment of the thread has answers of its own. Registered behind the
        // functions, so that it is called before they are gone.
        env.add_env_cleanup_hook((), |()| OF_THIS_THREAD.set(None))?;
        Ok(answers)
    }

    /// A call has begun on JavaScript's thread. The process does not end before it is answered.
    pub(crate) fn begin(&self, env: &Env) -> Result<()> {
        let Some(Wakers { now, .. }) = self.wakers.get() else { return Ok(()) };
        self.alive.more(env, now)
    }

    /// Gives the answer of a call that was begun. From any thread; behind the answers that were given before.
    pub(crate) fn give(&self, answer: impl FnOnce(&Env) + Send + 'static) {
        let mut waiting = self.lock();
        waiting.answers.push_back(Box::new(answer));
        let was_called = std::mem::replace(&mut waiting.is_called, true);
        drop(waiting);
        if !was_called {
            self.call();
        }
    }

    fn call(&self) {
        if let Some(Wakers { now, .. }) = self.wakers.get() {
            // Where it fails, the environment ends, and with it whoever waits.
            let _ = now.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn give_some(&self, env: &Env) {
        let mut waiting = self.lock();
        let most = waiting.answers.len().min(MOST);
        let some: Vec<_> = waiting.answers.drain(..most).collect();
        waiting.is_called = !waiting.answers.is_empty();
        let has_more = waiting.is_called;
        drop(waiting);
        let Some(Wakers { next_turn, now }) = self.wakers.get() else { return };
        if has_more {
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
fn waker(env: &Env, answers: &Arc<Answers>, run: fn(&Answers, &Env)) -> Result<Waker> {
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
