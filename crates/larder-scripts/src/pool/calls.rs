//! The calls of a run on the store.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use crate::host::{Access, execute};
use crate::limits::{MAX_HELD, MAX_IN_FLIGHT};
use crate::outcome::Failure;
use crate::wire::{Answer, Call, Refusal};

/// The calls of a run: some are made, the others wait until what is held for the worker leaves room for their answers. For
/// a worker that asks for much and reads nothing, no more is held than [`MAX_HELD`].
pub(super) struct Calls {
    access: Access,
    made: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// The most that the answers of those that are made can have, in bytes.
    made_bytes: usize,
    waiting: VecDeque<(u32, Call)>,
    /// How many more may come.
    left: u32,
}

/// The answer to the call of this number, which had room for so many bytes.
struct Answered {
    id: u32,
    most: usize,
    answer: Result<Answer, Refusal>,
}

impl Calls {
    pub(super) fn new(access: Access, left: u32) -> Self {
        Self { access, made: FuturesUnordered::new(), made_bytes: 0, waiting: VecDeque::new(), left }
    }

    /// Takes a call. A worker keeps within what a run may; one that does not is none.
    pub(super) fn push(&mut self, id: u32, call: Call) -> Result<(), Failure> {
        self.left = self.left.checked_sub(1).ok_or(Failure::Crashed)?;
        if self.made.len() + self.waiting.len() >= MAX_IN_FLIGHT || !call.is_in_bounds() {
            return Err(Failure::Crashed);
        }
        self.waiting.push_back((id, call));
        Ok(())
    }

    /// Makes those for whose answers there is room beside so many bytes that are on their way to the worker.
    pub(super) fn make(&mut self, unsent: usize) {
        while let Some((_, call)) = self.waiting.front()
            // Whatever is held is sent, so that even the largest is made some time.
            && (unsent + self.made_bytes == 0 || unsent + self.made_bytes + call.most_answered() <= MAX_HELD)
            && let Some((id, call)) = self.waiting.pop_front()
        {
            let most = call.most_answered();
            self.made_bytes += most;
            let answer = execute(self.access.clone(), call);
            self.made.push(Box::pin(async move { Answered { id, most, answer: answer.await } }));
        }
    }

    /// Waits for an answer; `None` if no call is made.
    pub(super) async fn next(&mut self) -> Option<(u32, Result<Answer, Refusal>)> {
        let Answered { id, most, answer } = self.made.next().await?;
        self.made_bytes -= most;
        Some((id, answer))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.made.is_empty() && self.waiting.is_empty()
    }
}
