//! Reading or writing a store's layout record, once per handle (L1).

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::time::Instant;

use super::attempts::Attempts;
use super::{Kv, Shared};
use crate::driver::{Consistency, Guard, LayoutKeeper, Mutation, Projection, Read, Write, WriteReply};
use crate::error::{Error, ErrorKind, InvalidInput, Result};
use crate::key::SYSTEM_MARK;
use crate::layout::{Layout, layout_row};
use crate::one_shard::OneShard;
use crate::operation::Operation;
use crate::record::WriteStamp;
use crate::time::Expiry;

/// The layout, and when the operation that had to wait for it must be done.
pub(super) struct FoundLayout<'a> {
    pub(super) layout: &'a Layout,
    pub(super) deadline: Option<Instant>,
}

/// Why the layout could not be read, the last time that it was tried.
#[derive(Default)]
pub(super) struct LayoutFailure(Mutex<Option<(Instant, Error)>>);

impl LayoutFailure {
    fn note(&self, error: &Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), error.clone()));
    }

    /// The failure, if it was noted at that time or later.
    fn since(&self, moment: Instant) -> Option<Error> {
        let failure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().filter(|(at, _)| *at >= moment).map(|(_, error)| error.clone())
    }
}

impl Kv {
    /// The layout that the store has; `None` for one that is empty and was never used. Writes nothing.
    ///
    /// Where a server keeps the layout, this is what it looks like from here: one shard. Nothing is sent for it, but to learn
    /// what time it is there.
    ///
    /// # Errors
    ///
    /// `NotProvisioned` when the store holds rows but no layout record; `Unsupported` when this version does not understand
    /// the record; else what keeps the store from answering.
    pub async fn stored_layout(&self) -> Result<Option<Layout>> {
        let work = pin!(async {
            let shared = &self.shared;
            if let Some(layout) = shared.layout.get() {
                return Ok(Some(layout.clone()));
            }
            let mut attempts =
                Attempts::until(shared, Operation::Open, Instant::now() + shared.policy.deadline);
            shared.look_for_layout(&mut attempts).await
        });
        self.observed(Operation::Open, work).await
    }

    /// The layout of the store, which is written if there is none yet, as by the first operation (L1).
    ///
    /// # Errors
    ///
    /// As [`Kv::stored_layout`].
    pub async fn settled_layout(&self) -> Result<Layout> {
        let work = pin!(async { Ok(self.shared.layout().await?.layout.clone()) });
        self.observed(Operation::Open, work).await
    }

    /// What this handle reaches of its store, as a driver of one shard, for a server that lets others at it.
    ///
    /// The layout is read, or written if there is none, as by the first operation.
    ///
    /// # Errors
    ///
    /// As [`Kv::stored_layout`]; `InvalidInput` for a handle on records of Larder's own, which are not to be served.
    pub async fn one_shard(&self) -> Result<OneShard> {
        if self.namespace.starts_with(SYSTEM_MARK) {
            return Err(InvalidInput::new("records of Larder's own are not served to anybody").into());
        }
        let shared = &self.shared;
        // In no span of its own: a server does this for every request.
        let found = shared.layout().await.map_err(|error| {
            error.with_operation(Operation::Open).with_binding(Arc::clone(&shared.binding))
        })?;
        let layout = found.layout.clone();
        let (driver, clock) = (Arc::clone(&shared.driver), Arc::clone(&shared.clock));
        Ok(OneShard::new(driver, layout, Arc::clone(&self.namespace), clock))
    }
}

impl Shared {
    /// The store's layout.
    pub(super) async fn layout(&self) -> Result<FoundLayout<'_>> {
        match self.layout.get() {
            Some(layout) => Ok(FoundLayout { layout, deadline: None }),
            // Boxed: needed once, and large beside what every operation carries.
            None => Box::pin(self.first_layout()).await,
        }
    }

    /// Whoever comes first looks, and the others wait. They share its failure too: each looking again in its turn, the
    /// last would wait for all their deadlines.
    async fn first_layout(&self) -> Result<FoundLayout<'_>> {
        let asked_at = Instant::now();
        let deadline = asked_at + self.policy.deadline;
        let look = || async {
            if let Some(error) = self.layout_failure.since(asked_at) {
                return Err(error);
            }
            let found = self.find_layout(deadline).await;
            if let Err(error) = &found {
                self.layout_failure.note(error);
            }
            found
        };
        let layout = self.layout.get_or_try_init(look).await?;
        Ok(FoundLayout { layout, deadline: Some(deadline) })
    }

    async fn find_layout(&self, deadline: Instant) -> Result<Layout> {
        let mut attempts = Attempts::until(self, Operation::Open, deadline);
        if let Some(layout) = self.look_for_layout(&mut attempts).await? {
            return Ok(layout);
        }
        self.write_layout(&mut attempts).await?;
        // Whoever wrote first decides.
        self.read_layout(&mut attempts).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotProvisioned,
                "the layout record was written and is gone; is the store being removed?",
            )
        })
    }

    /// The layout of a store that has one; `None` for an empty store. A server always has one, of one shard.
    async fn look_for_layout(&self, attempts: &mut Attempts<'_>) -> Result<Option<Layout>> {
        if self.driver.info().layout == LayoutKeeper::Server {
            if self.driver.clock().is_some() {
                attempts.read(|| self.driver.check()).await?;
            }
            return Ok(Some(Layout::new(1)));
        }
        if let Some(layout) = self.read_layout(attempts).await? {
            return Ok(Some(layout));
        }
        if attempts.read(|| self.driver.is_empty()).await? {
            return Ok(None);
        }
        // Another process may have begun to use the store since the first look.
        self.read_layout(attempts).await?.map(Some).ok_or_else(|| self.no_layout())
    }

    async fn read_layout(&self, attempts: &mut Attempts<'_>) -> Result<Option<Layout>> {
        let row = layout_row();
        let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
        let record =
            attempts.read(|| self.driver.get(&row, read)).await.map_err(|error| match error.kind() {
                // Otherwise the key that was asked for would be blamed.
                ErrorKind::Corrupt => {
                    Error::new(error.kind(), format!("the layout record cannot be read: {}", error.message()))
                }
                _ => error,
            })?;
        record.map(|record| Layout::from_json(&record.value)).transpose()
    }

    fn no_layout(&self) -> Error {
        Error::new(
            ErrorKind::NotProvisioned,
            format!(
                "{} holds rows but no layout record, so it was not written by Larder or has been damaged: \
                 use another, or restore the record",
                self.driver.info().store
            ),
        )
    }

    async fn write_layout(&self, attempts: &mut Attempts<'_>) -> Result<()> {
        let row = layout_row();
        let value = Bytes::from(Layout::new(self.driver.info().default_shards).to_json()?);
        let mutation = Mutation::Put { value, expires_at: Expiry::NEVER, register: None };
        loop {
            let now = self.clock.now();
            let write =
                Write { mutation: mutation.clone(), guard: Guard::Absent, stamp: WriteStamp::new(now) };
            match attempts.run(self.driver.write(&row, &write, now)).await {
                // Refused: another process was first. Its record says the same or is read next.
                Ok(WriteReply::Applied(_) | WriteReply::Refused(_)) => return Ok(()),
                // The record's content does not depend on who wrote it, so that a lost reply needs no resolution.
                Err(error) if error.retryable => attempts.pause(&error).await?,
                Err(error) => return Err(error.into_error()),
            }
        }
    }
}
