//! Every write, in every state of the entry, with its reply lost: no outcome is untrue.

use crate::context::Context;
use crate::support::entry;
use crate::wrap::Loss;

use super::lossy_bench::{Bench, OPS, Op, STARTS, Said, Start, applied, holds};

cases! {
    "lost_replies";
    a_lost_reply_is_resolved_truly: P4 C2 P1;
    a_write_that_was_applied_is_found: P4 C2;
}

/// Every write in every state, with its first reply lost like this.
async fn check_all(context: Context, loss: Loss, mut check: impl FnMut(Op, Start, &Said)) {
    let bench = Bench::new(context).await;
    for op in OPS {
        for start in STARTS {
            let key = format!("{op:?}/{start:?}");
            let version = bench.prepare(&key, start).await;
            let before = bench.state(&key).await;
            let after = applied(op, &before);
            let said = bench.run(op, &key, version, loss).await;
            let now = bench.state(&key).await;
            match &said {
                Said::Applied(version) => {
                    assert!(holds(op, start), "{key}: done, although the condition does not hold");
                    assert_eq!(now, after, "{key}: said to be done");
                    if let Some(version) = version {
                        assert_eq!(
                            entry(&bench.truth, &key).await.version(),
                            version,
                            "{key}: another version"
                        );
                    }
                }
                Said::Refused => {
                    assert!(!holds(op, start), "{key}: refused, although the condition holds");
                    assert_eq!(now, before, "{key}: said to be refused");
                }
                Said::Ambiguous => {
                    assert!([&before, &after].contains(&&now), "{key}: neither done nor not done")
                }
            }
            check(op, start, &said);
        }
    }
}

async fn a_lost_reply_is_resolved_truly(context: Context) {
    check_all(context, Loss::Before, |op, start, said| {
        let may_doubt = match op {
            // The absent tell nothing: whether it was made and removed, or never made.
            Op::Increment | Op::PutIfVersion | Op::TouchIfVersion => start == Start::Absent,
            // It could land late, on what is made by then.
            Op::Touch => !holds(op, start),
            Op::DeleteIfVersion => true,
            Op::Put | Op::PutIfAbsent | Op::PutMany | Op::Delete | Op::DeleteMany => false,
        };
        assert!(may_doubt || *said != Said::Ambiguous, "{op:?}/{start:?} could have been found out");
    })
    .await;
}

async fn a_write_that_was_applied_is_found(context: Context) {
    check_all(context, Loss::After, |op, start, said| {
        let leaves_a_trace = !matches!(op, Op::DeleteIfVersion);
        let found = !holds(op, start) || *said != Said::Ambiguous;
        assert!(found || !leaves_a_trace, "{op:?}/{start:?} was applied and not found");
    })
    .await;
}
