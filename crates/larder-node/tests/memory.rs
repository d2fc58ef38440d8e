//! Who gives the addon's memory back to the system. Linux tells how much a process has.
#![cfg(target_os = "linux")]

#[path = "../src/memory.rs"]
mod memory;

use std::fs::read_to_string;
use std::thread::{sleep, spawn};
use std::time::Duration;

use memory::Plan;
use mimalloc::MiMalloc;

#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

const MIB: usize = 1024 * 1024;
/// Of which mimalloc makes pages of their own.
const PIECE: usize = 100 * 1024;
const PIECES: usize = 1_000;
/// Behind this, mimalloc would give back what is free.
const DELAY: Duration = Duration::from_millis(300);

/// The MiB that the process has of the system's memory.
fn resident() -> usize {
    let status = read_to_string("/proc/self/status").expect("the process is described");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory is told");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib / 1024
}

/// Takes memory and lets go of it.
fn use_some(pieces: usize) {
    drop((0..pieces).map(|_| vec![1_u8; PIECE]).collect::<Vec<_>>());
}

#[test]
fn it_is_kept_by_who_uses_it_and_given_back_by_who_is_told_to() {
    memory::keep();
    let before = resident();
    use_some(PIECES);
    let most = PIECES * PIECE / MIB;
    assert!(resident() > before + most / 2, "it is kept at first: {before} MiB, then {}", resident());

    for _ in 0..4 {
        sleep(DELAY);
        // Behind which others are given back, unless told otherwise.
        use_some(PIECES / 3);
    }
    let kept = resident();
    assert!(kept > before + most * 3 / 4, "it was given back by who used it: {before} MiB, then {kept}");

    let plan = Plan::new().expect("nobody has planned to give it back");
    assert!(Plan::new().is_none(), "two would give it back");
    spawn(|| plan.carry_out()).join().expect("it is given back");
    let given = resident();
    // Not what is near to memory that a thread still has, such as this one.
    assert!(given + most / 3 < kept, "it was not given back: {kept} MiB, then {given}");

    let dropped = Plan::new().expect("it may be planned again");
    drop(dropped);
    assert!(Plan::new().is_some(), "a plan that came to nothing is none");
    assert!(memory::KEPT > DELAY);
}
