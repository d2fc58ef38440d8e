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

#[cfg(test)]
mod tests {
    use larder_core::{Kv, MemoryDriver};

    use super::*;
    use crate::limits::MAX_PAGE;

    /// The calls of a worker that asked for so many full pages.
    fn pages(count: u32) -> Calls {
        let mut calls = Calls::new(Access::all(Kv::new(MemoryDriver::new())), count);
        for id in 0..count {
            let call = Call::Scan { prefix: String::new(), limit: MAX_PAGE as u32, cursor: None };
            calls.push(id, call).expect("a worker may ask for that");
        }
        calls
    }

    #[tokio::test]
    async fn what_waits_for_room_is_made_once_there_is_some() {
        let page = Call::Scan { prefix: String::new(), limit: MAX_PAGE as u32, cursor: None }.most_answered();
        let at_once = MAX_HELD / page;
        let mut calls = pages(MAX_IN_FLIGHT as u32);
        assert!((2..MAX_IN_FLIGHT).contains(&at_once), "some have to wait");
        calls.make(0);
        let mut answered = Vec::new();
        while let Some((id, answer)) = calls.next().await {
            let left = MAX_IN_FLIGHT - answered.len();
            assert_eq!(calls.made.len() + 1, at_once.min(left), "as many as there is room for");
            assert!(answer.is_ok());
            answered.push(id);
            // An answer takes the room of its call until it is sent.
            calls.make(page);
            assert_eq!(calls.made.len(), (at_once - 1).min(left - 1));
            calls.make(0);
        }
        answered.sort_unstable();
        assert!(answered.iter().copied().eq(0..MAX_IN_FLIGHT as u32), "each once: {answered:?}");
        assert!(calls.is_empty());
        assert_eq!(calls.made_bytes, 0, "all room was given back");
    }

    #[tokio::test]
    async fn what_is_small_waits_behind_what_is_large_and_is_made_with_it() {
        let mut calls = pages(4);
        calls.left = 1;
        calls.push(4, Call::Exists { key: "k".to_owned() }).expect("a worker may ask for that");
        calls.make(MAX_HELD);
        assert_eq!((calls.made.len(), calls.waiting.len()), (0, 5), "nothing while all room is taken");
        calls.make(0);
        assert!(calls.waiting.iter().map(|(id, _)| *id).eq([3, 4]), "in the order in which they came");
        assert!(calls.next().await.is_some_and(|(_, answer)| answer.is_ok()));
        calls.make(0);
        assert!(calls.waiting.is_empty());
    }
}
