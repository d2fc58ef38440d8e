//! How many answers JavaScript's thread is given in one turn of the event loop.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use tokio::sync::Semaphore;

/// As many answers are on their way to a thread of JavaScript at most. What resumes whoever waits for them takes about half a
/// millisecond.
const MOST: usize = 64;
/// As many it has taken when others may follow.
const LOT: usize = MOST / 2;

thread_local! {
    static OF_THIS_THREAD: RefCell<Option<Arc<Gate>>> = const { RefCell::new(None) };
}

/// Called on JavaScript's thread. It does not keep the process.
type NextTurn = ThreadsafeFunction<(), (), (), Status, false, true>;

/// What answers pass on their way to the thread of JavaScript that wants them.
///
/// A store that writes a thousand entries together is done with all of them at the same time, and each of their answers
/// resumes somebody. In one turn of the event loop, that would stop it.
pub(crate) struct Gate {
    room: Semaphore,
    /// How many were taken, and have not made room yet.
    taken: AtomicUsize,
    next_turn: OnceLock<NextTurn>,
}

/// An answer's place on the way. Dropped when it was taken, or will never be.
#[derive(Debug)]
pub(crate) struct Pass(Arc<Gate>);

impl Gate {
    pub(crate) fn of_this_thread(env: &Env) -> Result<Arc<Self>> {
        OF_THIS_THREAD.with_borrow_mut(|gate| match gate {
            Some(gate) => Ok(Arc::clone(gate)),
            None => Ok(Arc::clone(gate.insert(Self::new(env)?))),
        })
    }

    fn new(env: &Env) -> Result<Arc<Self>> {
        let gate = Arc::new(Self {
            room: Semaphore::new(MOST),
            taken: AtomicUsize::new(0),
            next_turn: OnceLock::new(),
        });
        let weak: Weak<Self> = Arc::downgrade(&gate);
        let make_room: Function<'_, (), ()> = env.create_function_from_closure("makeRoom", move |_| {
            if let Some(gate) = weak.upgrade() {
                gate.room.add_permits(gate.taken.swap(0, Ordering::Relaxed));
            }
            Ok(())
        })?;
        let next_turn = make_room.build_threadsafe_function::<()>().weak::<true>().build()?;
        // There was none.
        let _ = gate.next_turn.set(next_turn);
        // Nobody is called there any more: whoever waits for a place goes on, and another environment of the thread has a
        // gate of its own. Registered behind the function, so that it is called before that is gone.
        env.add_env_cleanup_hook(Arc::downgrade(&gate), |gate| {
            OF_THIS_THREAD.set(None);
            if let Some(gate) = gate.upgrade() {
                gate.room.close();
            }
        })?;
        Ok(gate)
    }

    /// Waits for a place, behind those who wait already.
    pub(crate) async fn pass(self: Arc<Self>) -> Pass {
        // Closed, it lets everybody pass.
        if let Ok(permit) = self.room.acquire().await {
            permit.forget();
        }
        Pass(self)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let taken = self.0.taken.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        // Not at once: others would come as long as a turn takes these, and in the same turn. The loop goes through those who
        // call it in the order in which they were made, and this one was made before them: it comes in the next turn.
        if taken.is_multiple_of(LOT)
            && let Some(next_turn) = self.0.next_turn.get()
        {
            // Where it fails, the environment ends, and the gate is closed.
            let _ = next_turn.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("room", &self.room).field("taken", &self.taken).finish_non_exhaustive()
    }
}
