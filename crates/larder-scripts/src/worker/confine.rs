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

/// Leaves the signals that end a service to its parent, which drains its runs: a terminal and a service manager send them
/// to all processes of it. The end of the input still ends the worker, and so does its deadline.
///
/// # Errors
///
/// What the system says.
#[cfg(unix)]
pub(super) fn leave_signals_to_the_parent() -> io::Result<()> {
    use nix::sys::signal::{SigSet, Signal};

    // There is one thread, so that what it does not take is taken by nobody.
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    Ok(signals.thread_block()?)
}

/// Nothing here: no scripts run.
#[cfg(not(unix))]
pub(super) fn leave_signals_to_the_parent() -> io::Result<()> {
    Ok(())
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, exit};
    use std::{env, fs, thread};

    use nix::sys::signal::kill;
    use nix::unistd::{Pid, getppid};

    use super::confine;
    use crate::wire::Setup;

    /// Says to the process of this test that it is the one to be confined: the address of somebody who listens.
    const LISTENING: &str = "LARDER_TEST_LISTENING";

    #[test]
    fn who_is_confined_reads_no_file_and_no_environment_and_reaches_nobody() {
        if let Ok(address) = env::var(LISTENING) {
            try_all(&address);
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let name = thread::current().name().expect("a test has a name").to_owned();
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([&name, "--exact", "--nocapture"]).env_clear();
        command.env(LISTENING, listener.local_addr().expect("an address").to_string());
        let output = command.output().expect("it runs");
        let said = String::from_utf8(output.stdout).expect("text");
        let tried: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("tried ")).collect();
        assert_eq!(tried.len(), 14, "{}: {said}", output.status);
        for line in tried {
            let expected = if line.starts_with("before") { "done" } else { "refused" };
            assert!(line.ends_with(expected), "{line}");
        }
    }

    fn tell<T, E>(what: &str, result: Result<T, E>) {
        println!("tried {what}: {}", if result.is_ok() { "done" } else { "refused" });
    }

    /// All that a script would try that took over its worker: before and after.
    fn try_all(address: &str) -> ! {
        let parent = getppid();
        for when in ["before", "after"] {
            if when == "after" {
                let setup = Setup { heap_bytes: 0, memory_bytes: 64 * 1024 * 1024, cpu_seconds: 60 };
                let confinement = confine(&setup).expect("it is confined");
                assert!(confinement.seccomp && confinement.no_new_privileges, "{confinement:?}");
            }
            tell(&format!("{when}, a file"), fs::read("/etc/passwd"));
            tell(&format!("{when}, the parent's environment"), fs::read(format!("/proc/{parent}/environ")));
            tell(&format!("{when}, the parent's open files"), fs::read_dir(format!("/proc/{parent}/fd")));
            tell(&format!("{when}, a connection"), TcpStream::connect(address));
            tell(&format!("{when}, a program"), Command::new("/bin/true").status());
            // To its end: a process that is confined while another thread begins or ends may die of that.
            let thread = thread::Builder::new().spawn(|| ()).map(thread::JoinHandle::join);
            tell(&format!("{when}, a thread"), thread);
            tell(&format!("{when}, a signal"), kill(Pid::from_raw(parent.as_raw()), None));
        }
        exit(0)
    }
}
