//! Standard input and output as frames.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Write};

use crate::engine::Port;
use crate::wire::{Answer, FromWorker, Refusal, ToWorker, encode, read_message};

/// The way to the parent.
pub(super) struct Link {
    input: RefCell<BufReader<File>>,
    output: File,
    /// The frame that is written next, so that one is one write.
    frame: RefCell<Vec<u8>>,
}

impl Link {
    /// The standard streams as files: without the buffers that they have for text.
    #[cfg(unix)]
    pub(super) fn of_standard_streams() -> io::Result<Self> {
        use std::os::fd::AsFd;
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self {
            input: RefCell::new(BufReader::with_capacity(64 * 1024, input)),
            output,
            frame: RefCell::default(),
        })
    }

    #[cfg(not(unix))]
    pub(super) fn of_standard_streams() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Waits for a message; `None` once the parent is gone.
    pub(super) fn receive(&self) -> io::Result<Option<ToWorker>> {
        read_message(&mut *self.input.borrow_mut())
    }
}

impl Port for Link {
    fn say(&self, message: &FromWorker) -> io::Result<()> {
        let mut frame = self.frame.borrow_mut();
        frame.clear();
        encode(message, &mut frame)?;
        (&self.output).write_all(&frame)
    }

    fn reply(&self) -> io::Result<(u32, Result<Answer, Refusal>)> {
        match self.receive()? {
            Some(ToWorker::Reply { id, answer }) => Ok((id, answer)),
            Some(_) => Err(io::Error::other("the parent speaks out of turn")),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
