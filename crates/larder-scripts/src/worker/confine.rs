//! Giving away what a worker does not need.

use std::io;

use crate::wire::{Confinement, Setup};

/// Gives away all that this process may do beyond what it needs to run scripts. It cannot be had back.
///
/// # Errors
///
/// What the kernel has but refuses. What it does not have is left out, and the answer says so.
#[cfg(target_os = "linux")]
pub(super) fn confine(setup: &Setup) -> io::Result<Confinement> {
    use nix::sys::prctl::set_no_new_privs;
    use nix::sys::resource::{Resource, setrlimit};

    let limit = |resource, most| setrlimit(resource, most, most);
    limit(Resource::RLIMIT_CORE, 0)?;
    limit(Resource::RLIMIT_FSIZE, 0)?;
    limit(Resource::RLIMIT_NPROC, 0)?;
    // What is open stays open.
    let space = address_space()?.saturating_add(setup.memory_bytes);
    limit(Resource::RLIMIT_NOFILE, 0)?;
    limit(Resource::RLIMIT_CPU, setup.cpu_seconds)?;
    limit(Resource::RLIMIT_AS, space)?;
    set_no_new_privs()?;
    Ok(Confinement::new(true, true, filter()?))
}

/// Only the limits that other systems have, too.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn confine(setup: &Setup) -> io::Result<Confinement> {
    use nix::sys::resource::{Resource, setrlimit};

    let limit = |resource, most| setrlimit(resource, most, most);
    limit(Resource::RLIMIT_CORE, 0)?;
    limit(Resource::RLIMIT_FSIZE, 0)?;
    limit(Resource::RLIMIT_CPU, setup.cpu_seconds)?;
    Ok(Confinement::new(true, false, false))
}

#[cfg(not(unix))]
pub(super) fn confine(_: &Setup) -> io::Result<Confinement> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Closes what the parent had open and forgot to keep to itself.
///
/// # Errors
///
/// When the system does not tell what is open.
#[cfg(target_os = "linux")]
pub(super) fn close_inherited() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // The one that the list was read by is closed already.
        let _ = nix::unistd::close(descriptor);
    }
    Ok(())
}

/// Nothing here: other systems do not tell what is open.
#[cfg(not(target_os = "linux"))]
pub(super) fn close_inherited() -> io::Result<()> {
    Ok(())
}

/// What the process has of it now, in bytes.
#[cfg(target_os = "linux")]
fn address_space() -> io::Result<u64> {
    let sizes = std::fs::read_to_string("/proc/self/statm")?;
    let pages = sizes.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("the kernel does not tell the size of a process"))?;
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?.unwrap_or(4_096);
    Ok(pages.saturating_mul(u64::try_from(page).unwrap_or(4_096)))
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn filter() -> io::Result<bool> {
    super::filter::apply()
}

#[cfg(all(target_os = "linux", not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn filter() -> io::Result<bool> {
    Ok(false)
}

/// An end of the process by itself, well after its parent would have ended it: for one whose parent is gone.
pub(super) struct Deadline(());

/// How much later than the parent.
#[cfg(unix)]
const LATER: u32 = 2;

impl Deadline {
    pub(super) fn set(wall_millis: u64) -> Self {
        #[cfg(unix)]
        {
            let seconds = u32::try_from(wall_millis.div_ceil(1_000)).unwrap_or(u32::MAX - LATER);
            nix::unistd::alarm::set(seconds + LATER);
        }
        #[cfg(not(unix))]
        let _ = wall_millis;
        Self(())
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        #[cfg(unix)]
        nix::unistd::alarm::cancel();
    }
}
