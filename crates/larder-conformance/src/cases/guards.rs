//! What a driver owes the handle: every guard in every state of the row, and the facts of what it returns.

use std::sync::Arc;

use bytes::Bytes;
use larder_core::driver::{
    Driver, Guard, Increment, IncrementReply, Mutation, Observed, Projection, Read, RowKey, Write, WriteReply,
};
use larder_core::record::{Record, Revision, WriteId, WriteStamp};
use larder_core::{Consistency, Expiry, Timestamp};

use crate::context::Context;
use crate::support::{ms, secs, set};

cases! {
    "guards";
    a_guard_is_judged_by_what_is_there: T2 P1 P2 P3;
    a_record_comes_back_as_it_was_written: T1 P4 V1;
    a_read_of_the_facts_has_all_facts: G2 T6;
    a_counter_remembers_its_last_writes: C2;
    an_increment_that_is_remembered_is_not_applied_again: C2 P4;
    a_touch_keeps_the_register: T5 C2;
    a_put_begins_a_new_history: C2;
}

const FULL: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

/// A driver, a row of its own, and the present time.
struct Bench {
    driver: Arc<dyn Driver>,
    context: Context,
}

impl Bench {
    async fn new(context: Context) -> Self {
        // The layout is there once a handle has opened the store.
        set(&context.kv().await, "warm", "").await;
        Self { driver: context.driver().await, context }
    }

    fn now(&self) -> Timestamp {
        self.context.now()
    }

    async fn read(&self, row: &RowKey) -> Option<Record> {
        self.driver.get(row, FULL).await.expect("the read works")
    }

    async fn write(&self, row: &RowKey, mutation: Mutation, guard: Guard) -> (WriteReply, WriteStamp) {
        let stamp = WriteStamp::new(self.now());
        let reply = self.driver.write(row, &Write { mutation, guard, stamp }, self.now()).await;
        (reply.expect("the write works"), stamp)
    }

    async fn put(&self, row: &RowKey, value: &'static str, expires_at: Expiry) -> Record {
        let (reply, _) = self.write(row, put(value, expires_at), Guard::Always).await;
        let WriteReply::Applied(Some(revision)) = reply else { panic!("a put has a revision: {reply:?}") };
        let record = self.read(row).await.expect("it is there");
        assert_eq!(record.revision, revision, "the put told another revision than the read");
        record
    }

    async fn increment(&self, row: &RowKey, increment: &Increment) -> IncrementReply {
        self.driver.increment(row, increment, self.now()).await.expect("the increment works")
    }

    fn adding(&self, delta: i64) -> Increment {
        Increment { delta, expires_at: Expiry::NEVER, stamp: WriteStamp::new(self.now()) }
    }
}

fn put(value: &'static str, expires_at: Expiry) -> Mutation {
    Mutation::Put { value: Bytes::from_static(value.as_bytes()), expires_at, register: None }
}

/// What a reply to a guarded write has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Must {
    Apply,
    Refuse,
    /// Where the platform cannot tell in the same request, it refuses.
    ApplyOrRefuse,
}

async fn a_guard_is_judged_by_what_is_there(context: Context) {
    let bench = Bench::new(context.clone()).await;
    let now = bench.now();
    let ended = Expiry::at(now);
    let ends_next = Expiry::at(now.plus(ms(1)));
    let states = [
        ("absent", None),
        ("ended", Some(ended)),
        ("ends-next", Some(ends_next)),
        ("stays", Some(Expiry::NEVER)),
    ];
    for (state, expiry) in states {
        let absent = match state {
            "absent" => Must::Apply,
            "ended" => Must::ApplyOrRefuse,
            _ => Must::Refuse,
        };
        let live = if matches!(state, "absent" | "ended") { Must::Refuse } else { Must::ApplyOrRefuse };
        let other = Guard::Revision(other_revision(&bench).await);
        // These are the combinations that the handle sends. "same" is the revision that is there.
        for (change, name, guard, must) in [
            ("put", "always", Guard::Always, Must::Apply),
            ("put", "absent", Guard::Absent, absent),
            ("put", "same", Guard::Always, Must::Apply),
            ("put", "other", other.clone(), Must::Refuse),
            ("touch", "live", Guard::Live, live),
            ("touch", "same", Guard::Live, if state == "absent" { Must::Refuse } else { Must::Apply }),
            ("touch", "other", other.clone(), Must::Refuse),
            ("delete", "always", Guard::Always, Must::Apply),
            ("delete", "same", Guard::Always, Must::Apply),
            ("delete", "other", other.clone(), Must::Refuse),
        ] {
            let row = context.row(&format!("{state}/{change}/{name}")).await;
            let before = match expiry {
                Some(expiry) => Some(bench.put(&row, "before", expiry).await),
                None => None,
            };
            let guard = match &before {
                Some(record) if name == "same" => Guard::Revision(record.revision.clone()),
                _ => guard,
            };
            check(&bench, &row, change, guard, before, must).await;
        }
    }
}

/// A revision of another row, which can be none of this one.
async fn other_revision(bench: &Bench) -> Revision {
    let row = bench.context.row("elsewhere").await;
    bench.put(&row, "elsewhere", Expiry::NEVER).await.revision
}

async fn check(bench: &Bench, row: &RowKey, change: &str, guard: Guard, before: Option<Record>, must: Must) {
    let what = format!("{guard:?} {change} on {:?}", row.key);
    let later = Expiry::at(bench.now().plus(secs(60)));
    let mutation = match change {
        "put" => put("after", later),
        "touch" => Mutation::Touch { expires_at: later },
        _ => Mutation::Delete,
    };
    let (reply, stamp) = bench.write(row, mutation, guard).await;
    let after = bench.read(row).await;
    match reply {
        WriteReply::Applied(revision) => {
            assert_ne!(must, Must::Refuse, "{what} was applied");
            if change == "delete" {
                assert_eq!(after, None, "{what} left something");
                return;
            }
            let after = after.expect("it is there");
            let value = if change == "put" { "after" } else { "before" };
            assert_eq!(
                (&after.value[..], after.expires_at, after.stamp),
                (value.as_bytes(), later, stamp),
                "{what}"
            );
            assert_eq!(Some(&after.revision), revision.as_ref(), "{what} told another revision");
            assert_ne!(Some(&after.revision), before.as_ref().map(|record| &record.revision), "{what}");
        }
        WriteReply::Refused(observed) => {
            assert_ne!(must, Must::Apply, "{what} was refused");
            assert_eq!(after, before, "{what} was refused and changed something");
            match observed {
                Observed::NotReturned => {}
                Observed::Absent => assert_eq!(before, None, "{what} saw nothing"),
                Observed::Record(record) => assert_eq!(Some(*record), before, "{what} saw something else"),
                Observed::Corrupt(reason) => panic!("{what} saw a corrupt record: {reason}"),
            }
        }
    }
}

async fn a_record_comes_back_as_it_was_written(context: Context) {
    let bench = Bench::new(context.clone()).await;
    let row = context.row("record").await;
    let moments =
        [0, 1, 4_102_444_800_123, larder_core::LATEST_EXPIRY.as_millis()].map(Timestamp::from_millis);
    for moment in moments {
        // A stamp of any time, any id, any expiry: the driver keeps them and judges nothing.
        for id in [WriteId::from_bytes([0; 16]), WriteId::from_bytes([0xFF; 16]), WriteId::random()] {
            let stamp = WriteStamp { id, at: moment };
            for expires_at in [Expiry::at(moment.max(Timestamp::from_millis(1))), Expiry::NEVER] {
                let write = Write { mutation: put("value", expires_at), guard: Guard::Always, stamp };
                let reply = bench.driver.write(&row, &write, bench.now()).await.expect("the write works");
                assert!(matches!(reply, WriteReply::Applied(Some(_))), "{reply:?}");
                let record =
                    bench.read(&row).await.expect("expired records come back too, while they are stored");
                assert_eq!((record.stamp, record.expires_at), (stamp, expires_at));
                assert_eq!((&record.value[..], record.register), (&b"value"[..], None));
            }
        }
    }
}

async fn a_read_of_the_facts_has_all_facts(context: Context) {
    let bench = Bench::new(context.clone()).await;
    let row = context.row("record").await;
    let written = bench.put(&row, "value", Expiry::at(bench.now().plus(ms(1_234)))).await;
    for consistency in [Consistency::Strong, Consistency::Eventual] {
        let read = Read { projection: Projection::Meta, consistency };
        let Some(facts) = bench.driver.get(&row, read).await.expect("the read works") else {
            assert_eq!(consistency, Consistency::Eventual, "a strong read does not see the write");
            continue;
        };
        assert_eq!(
            (facts.expires_at, facts.stamp, facts.revision),
            (written.expires_at, written.stamp, written.revision.clone(),)
        );
    }
}

async fn a_counter_remembers_its_last_writes(context: Context) {
    let bench = Bench::new(context.clone()).await;
    let row = context.row("counter").await;
    let mut sent = Vec::new();
    for expected in 1..=12 {
        context.advance(ms(10));
        let increment = bench.adding(1);
        let reply = bench.increment(&row, &increment).await;
        assert!(matches!(&reply, IncrementReply::Applied { result, .. } if *result == expected), "{reply:?}");
        sent.push((increment.stamp, expected));
        let record = bench.read(&row).await.expect("it is there");
        assert_eq!((&record.value[..], record.stamp), (expected.to_string().as_bytes(), increment.stamp));
        let register = record.register.expect("a counter has a register");
        let remembered: Vec<_> =
            register.history().iter().map(|applied| (applied.stamp, applied.result)).collect();
        assert!(remembered.len() >= sent.len().min(4), "only {} of {}", remembered.len(), sent.len());
        assert!(sent.ends_with(&remembered), "{remembered:?} are not the last of {sent:?}");
    }
}

async fn an_increment_that_is_remembered_is_not_applied_again(context: Context) {
    let bench = Bench::new(context.clone()).await;
    let row = context.row("counter").await;
    let first = bench.adding(5);
    assert!(matches!(bench.increment(&row, &first).await, IncrementReply::Applied { result: 5, .. }));
    for sum in [5, 6, 7, 8] {
        let reply = bench.increment(&row, &first).await;
        assert!(matches!(reply, IncrementReply::Refused(_)), "a duplicate was answered with {reply:?}");
        let record = bench.read(&row).await.expect("it is there");
        assert_eq!(&record.value[..], sum.to_string().as_bytes(), "a duplicate was added");
        assert!(matches!(bench.increment(&row, &bench.adding(1)).await, IncrementReply::Applied { .. }));
    }
}

async fn a_touch_keeps_the_register(context: Context) {
    let bench = Bench::new(context.clone()).await;
    let row = context.row("counter").await;
    let first = bench.adding(5);
    bench.increment(&row, &first).await;
    let before = bench.read(&row).await.expect("it is there");
    let touch = Mutation::Touch { expires_at: Expiry::at(bench.now().plus(secs(60))) };
    let (reply, _) = bench.write(&row, touch, Guard::Revision(before.revision)).await;
    assert!(matches!(reply, WriteReply::Applied(_)), "{reply:?}");
    let after = bench.read(&row).await.expect("it is there");
    assert_eq!((after.value, after.register), (before.value, before.register), "a touch changed the history");
    assert!(matches!(bench.increment(&row, &first).await, IncrementReply::Refused(_)));
}

async fn a_put_begins_a_new_history(context: Context) {
    let bench = Bench::new(context.clone()).await;
    let row = context.row("counter").await;
    bench.increment(&row, &bench.adding(5)).await;
    context.advance(secs(1));
    let put = bench.put(&row, "40", Expiry::NEVER).await;
    // Kept by some platforms, and made up by the record itself on the others: it begins with the put.
    let (_, begun) = put.counter().expect("a counter");
    let begun: Vec<_> = begun.history().iter().map(|applied| (applied.stamp, applied.result)).collect();
    assert_eq!(begun, [(put.stamp, 40)], "a put kept the old history");
    context.advance(secs(1));
    let increment = bench.adding(2);
    assert!(matches!(bench.increment(&row, &increment).await, IncrementReply::Applied { result: 42, .. }));
    let record = bench.read(&row).await.expect("it is there");
    let (number, register) = record.counter().expect("a counter");
    assert_eq!(number, 42);
    // Its beginning is the put, so that the history is whole.
    let remembered: Vec<_> =
        register.history().iter().map(|applied| (applied.stamp, applied.result)).collect();
    assert_eq!(remembered, [(put.stamp, 40), (increment.stamp, 42)]);
}
