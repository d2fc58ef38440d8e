//! Who of a batch has been answered.

use crate::driver::{BatchItem, DriverError, Effect};
use crate::error::{Error, ErrorKind, Result};

/// The answers to a chunk, by position, as they come in over its attempts.
pub(super) struct Answers<T> {
    slots: Vec<Option<Result<T>>>,
    /// Positions whose request may have been applied.
    unanswered: Vec<usize>,
}

impl<T> Answers<T> {
    pub(super) fn new(len: usize) -> Self {
        Self { slots: (0..len).map(|_| None).collect(), unanswered: Vec::new() }
    }

    /// The positions to send.
    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.slots.len())
            .filter(|at| self.slots[*at].is_none() && !self.unanswered.contains(at))
            .collect()
    }

    /// Files what a request answered, and returns why some of it has to be sent again.
    pub(super) fn take(
        &mut self,
        open: &[usize],
        items: Vec<BatchItem<T>>,
        send_again: impl Fn(&DriverError) -> bool,
    ) -> Option<DriverError> {
        let mut trouble = None;
        let mut items = items.into_iter();
        for &at in open {
            match items.next() {
                Some(BatchItem::Done(Ok(answer))) => self.slots[at] = Some(Ok(answer)),
                Some(BatchItem::Done(Err(error))) if send_again(&error) => trouble = Some(error),
                Some(BatchItem::Done(Err(error))) if error.effect == Effect::Unknown => self.unanswered(at),
                Some(BatchItem::Done(Err(error))) => self.slots[at] = Some(Err(error.into_error())),
                Some(BatchItem::Unprocessed) => {
                    let reason = "the platform left part of the batch undone";
                    trouble = Some(DriverError::refused(ErrorKind::Throttled, reason));
                }
                // A driver's fault, which leaves open what became of the request.
                None => self.unanswered(at),
            }
        }
        trouble
    }

    /// The positions to look into, each for itself.
    pub(super) fn take_unanswered(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.unanswered)
    }

    pub(super) fn unanswered(&mut self, at: usize) {
        self.unanswered.push(at);
    }

    /// Answers what is open with an error.
    pub(super) fn close(&mut self, error: &Error) {
        for at in self.open() {
            self.slots[at] = Some(Err(error.clone()));
        }
    }

    pub(super) fn finish_with(mut self, error: &Error) -> Vec<Result<T>> {
        self.close(error);
        self.finish()
    }

    pub(super) fn finish(self) -> Vec<Result<T>> {
        let none = || Err(Error::new(ErrorKind::Internal, "a position was not answered"));
        self.slots.into_iter().map(|slot| slot.unwrap_or_else(none)).collect()
    }
}
