//! The worker's side: a process that does nothing but run scripts, for the parent that started it.

mod confine;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter;
mod link;

use std::io;
use std::process::ExitCode;
use std::rc::Rc;

use self::link::Link;
use crate::engine::{Codes, Port, Vm, run, warm_up};
use crate::wire::{FromWorker, ToWorker};

/// Serves the parent on standard input and output until it closes them: what a program does that is started as a worker.
///
/// To be called first of all, in a process that has no other thread: it gives away nearly all that a process may do. A
/// [`Pool`](crate::Pool) starts it; run by hand it ends at the end of its input.
pub fn serve_worker() -> ExitCode {
    // There is nobody to tell: the parent sees the end of it.
    work().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn work() -> io::Result<()> {
    confine::leave_signals_to_the_parent()?;
    confine::close_inherited()?;
    let link = Rc::new(Link::of_standard_streams()?);
    let Some(ToWorker::Setup(setup)) = link.receive()? else { return Ok(()) };
    warm_up();
    let mut vm = Vm::new(setup.heap_bytes)?;
    let confinement = confine::confine(&setup)?;
    link.say(&FromWorker::Ready(confinement))?;
    let mut codes = Codes::default();
    let port: Rc<dyn Port> = Rc::clone(&link) as _;
    while let Some(message) = link.receive()? {
        // An answer comes late when its call was not waited for.
        let ToWorker::Run(task) = message else { continue };
        let deadline = confine::Deadline::set(task.wall_millis);
        let end = run(&task, &mut vm, &mut codes, &port)?;
        drop(deadline);
        link.say(&FromWorker::Done(end))?;
    }
    Ok(())
}
