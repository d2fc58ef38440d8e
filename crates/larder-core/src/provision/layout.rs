//! The layout record of a store that is being made: with the shards that were asked for, once and for all (L1, L2).

use super::plan::{Change, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::kv::Kv;
use crate::layout::Layout;

pub(super) const PART: &str = "layout record";

/// The layout record that a new store gets.
pub fn new_layout(shards: u16) -> Step {
    Step::create(PART, described(shards))
}

/// What becomes of the layout record of a store that is there.
///
/// # Errors
///
/// What keeps the store from answering.
pub async fn plan_layout(kv: &Kv, shards: u16) -> Result<Step> {
    match kv.stored_layout().await {
        Ok(Some(layout)) => Ok(judged(&layout, shards)),
        Ok(None) => Ok(new_layout(shards)),
        Err(error) => conflict(error),
    }
}

/// Writes the layout record, if there is none. The handle's driver must have been opened for that number of shards.
///
/// # Errors
///
/// `NotProvisioned` when the store has another number of shards, which may have come from a process that was faster, or
/// cannot be used; else what keeps it from answering.
pub async fn apply_layout(kv: &Kv, shards: u16) -> Result<Step> {
    let was_there = kv.stored_layout().await?.is_some();
    let step = judged(&kv.settled_layout().await?, shards);
    match step.change {
        Change::Conflict(why) => Err(Error::new(ErrorKind::NotProvisioned, format!("{PART}: {why}"))),
        _ if was_there => Ok(step),
        _ => Ok(new_layout(shards)),
    }
}

/// For the removal of a store: a conflict when it holds rows and no layout record that this version understands, so that
/// it is not known to be Larder's.
///
/// # Errors
///
/// What keeps the store from answering.
pub async fn refuse_strangers(kv: &Kv) -> Result<Option<Step>> {
    match kv.stored_layout().await {
        Ok(_) => Ok(None),
        Err(error) => conflict(error).map(Some),
    }
}

fn judged(layout: &Layout, shards: u16) -> Step {
    if layout.shards == shards {
        return Step::keep(PART, format!("version {}, {}", layout.version, described(shards)));
    }
    let there = described(layout.shards);
    let why = format!(
        "the store has {there} for good, and {} asked for: ask for {}, or copy the entries into a new store",
        if shards == 1 { "1 is".to_owned() } else { format!("{shards} are") },
        layout.shards
    );
    Step::conflict(PART, why)
}

fn described(shards: u16) -> String {
    if shards == 1 { "1 shard".to_owned() } else { format!("{shards} shards") }
}

fn conflict(error: Error) -> Result<Step> {
    match error.kind() {
        ErrorKind::NotProvisioned | ErrorKind::Unsupported | ErrorKind::Corrupt => {
            Ok(Step::conflict(PART, error.message()))
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryDriver;
    use crate::options::PutOptions;

    #[tokio::test]
    async fn the_shards_are_settled_once() {
        let driver = MemoryDriver::new().shards(4);
        let kv = Kv::new(driver.clone());
        assert_eq!(plan_layout(&kv, 4).await.expect("a plan"), Step::create(PART, "4 shards"));
        assert!(kv.stored_layout().await.expect("a look").is_none(), "a plan writes nothing");
        assert_eq!(apply_layout(&kv, 4).await.expect("applied"), Step::create(PART, "4 shards"));
        let kept = Step::keep(PART, "version 1, 4 shards");
        assert_eq!(apply_layout(&kv, 4).await.expect("again"), kept);
        assert_eq!(plan_layout(&Kv::new(driver.clone()), 4).await.expect("a plan"), kept);

        let other = Kv::new(driver.clone().shards(16));
        let Change::Conflict(why) = plan_layout(&other, 16).await.expect("a plan").change else {
            panic!("no conflict")
        };
        assert!(why.contains("4 shards for good") && why.contains("copy"), "{why}");
        let error = apply_layout(&other, 16).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
        assert_eq!(kv.stored_layout().await.expect("a look").expect("there").shards, 4);
    }

    #[tokio::test]
    async fn a_store_in_use_is_no_stranger() {
        let kv = Kv::new(MemoryDriver::new());
        assert_eq!(refuse_strangers(&kv).await.expect("a look"), None);
        kv.put("key", "value", PutOptions::new()).await.expect("a put");
        assert_eq!(refuse_strangers(&kv).await.expect("a look"), None);
    }
}
