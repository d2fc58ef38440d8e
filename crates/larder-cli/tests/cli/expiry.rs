//! copy, while entries expire.

use std::time::{Duration, SystemTime};

use crate::resume::kill_after;
use crate::support::{Shell, held};

const ENTRIES: u64 = 4_000;
/// When the last of the entries that expire has done so, after they were written.
const LAST: Duration = Duration::from_millis(6_000);
/// 1,000 at once, and 1,000 more in each second.
const COPY: [&str; 5] = ["copy", "local-kv:a", "local-kv:b", "--rate", "1000"];

/// A store of which every fourth entry expires within seconds, early and late ones side by side. Returns when all of them
/// have.
fn fill(shell: &Shell) -> SystemTime {
    let mut last = SystemTime::UNIX_EPOCH;
    held(&shell.path().join("a"), |driver| async {
        let kv = larder_core::Kv::new(driver);
        let now = SystemTime::now();
        last = now + LAST;
        let entries = (0..ENTRIES).map(|number| {
            // 37 and 100 have no common divisor: each hundredth comes up as often.
            let until = now + LAST * u32::try_from(1 + number / 4 * 37 % 100).expect("small") / 100;
            let until = (number % 4 == 0).then_some(until);
            (format!("k:{number:05}"), format!("value {number}"), until)
        });
        for put in kv.put_many_until(entries).await.expect("puts") {
            put.expect("a put");
        }
    });
    last
}

/// Both stores hold what never expires, each entry once, and nothing else once the rest has expired.
fn assert_only_the_rest_is_left(shell: &Shell, last: SystemTime) {
    let url = |store: &str| format!("local-kv:{store}");
    while SystemTime::now() < last {
        // What is left meanwhile is the same on both sides.
        let said = shell.done(&["copy", "local-kv:a", "local-kv:b", "--skip-existing", "--verify"]);
        assert!(said.ends_with("; both sides are the same\n"), "{said}");
    }
    let expected: Vec<_> =
        (0..ENTRIES).filter(|number| number % 4 != 0).map(|number| format!("k:{number:05}")).collect();
    for store in ["a", "b"] {
        let keys = shell.done(&["scan", "--keys", "-u", &url(store)]);
        assert!(keys.lines().eq(expected.iter().map(String::as_str)), "{store}");
    }
    assert!(shell.done(&["export", "-u", "local-kv:a"]) == shell.done(&["export", "-u", "local-kv:b"]));
}

#[test]
fn what_expires_during_a_copy_is_absent_and_no_difference() {
    let shell = Shell::new();
    let last = fill(&shell);
    let said = shell.done(&[&COPY[..], &["--verify"]].concat());
    assert!(said.contains("expired on the way"), "{said}");
    assert!(said.ends_with("; both sides are the same\n"), "{said}");
    assert_only_the_rest_is_left(&shell, last);
}

#[test]
fn what_expires_between_a_kill_and_the_resume_is_absent_and_no_difference() {
    let shell = Shell::new();
    let last = fill(&shell);
    let copied = kill_after(shell.start(&[&COPY[..], &["--progress", "lines"]].concat()), 1_000);
    assert!(copied < ENTRIES, "it was killed on its way");
    // Of those that were carried over, and of those that were not, some expire before it goes on.
    let lives = |url: &str| shell.done(&["scan", "--keys", "-u", url]).lines().count();
    let at_the_kill = (lives("local-kv:a"), lives("local-kv:b"));
    loop {
        let now = (lives("local-kv:a"), lives("local-kv:b"));
        if now.0 < at_the_kill.0 && now.1 < at_the_kill.1 {
            break;
        }
        assert!(SystemTime::now() < last, "they expire in time: {at_the_kill:?} {now:?}");
    }
    let said = shell.run(&[&COPY[..], &["--verify"]].concat());
    said.failed(0, "going on with the copy");
    assert!(said.text().ends_with("; both sides are the same\n"), "{said:?}");
    assert_only_the_rest_is_left(&shell, last);
}
