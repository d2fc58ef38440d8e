//! Looking after a store: removing what has expired, and checking that it is well (T3, T4).

use std::pin::pin;
use std::time::Duration;

use super::attempts::Attempts;
use super::layout::FoundLayout;
use super::{Kv, Shared};
use crate::driver::Reaper;
use crate::error::Result;
use crate::operation::Operation;
use crate::options::PutOptions;
use crate::outcome::{CheckReport, PutOutcome, SweepOutcome};

/// How many records one request of a sweep removes at most.
const SWEEP_BATCH: usize = 1_000;
/// How long a sweep may go on without renewing its lease.
const LEASE: Duration = Duration::from_secs(60);

impl Kv {
    /// Removes the entries that have expired, where the platform does not do it by itself (T3).
    ///
    /// An expired entry is absent in every operation whether it was removed or not. A sweep frees its space, and can never
    /// remove a fresh write. Where many processes share the store, one at a time sweeps.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering. What was removed by then stays removed.
    pub async fn sweep(&self) -> Result<SweepOutcome> {
        let work = pin!(async {
            self.shared.layout().await?.layout.check_writer()?;
            match self.shared.driver.info().reaper {
                Reaper::Platform => Ok(SweepOutcome::DoneByPlatform),
                Reaper::Embedded => Ok(SweepOutcome::Swept { removed: self.shared.sweep_all().await? }),
                Reaper::Leased => self.sweep_under_lease().await,
            }
        });
        self.observed(Operation::Sweep, work).await
    }

    async fn sweep_under_lease(&self) -> Result<SweepOutcome> {
        let leases = self.system("sweep")?;
        let lease = PutOptions::new().ttl(LEASE);
        let PutOutcome::Stored(mut version) = leases.put("lease", "", lease.clone().if_not_exists()).await?
        else {
            return Ok(SweepOutcome::InProgressElsewhere);
        };
        let mut removed = 0;
        loop {
            let swept = self.shared.sweep_some().await;
            if !matches!(&swept, Ok(swept) if swept.more) {
                // A lease that cannot be given back runs out by itself.
                let _ = leases.delete_if_version("lease", version).await;
                return Ok(SweepOutcome::Swept { removed: removed + swept?.removed });
            }
            removed += swept?.removed;
            match leases.put("lease", "", lease.clone().if_version(version)).await? {
                PutOutcome::Stored(renewed) => version = renewed,
                // The lease ran out in a long pause, and somebody else goes on.
                PutOutcome::ConditionFailed(_) => return Ok(SweepOutcome::InProgressElsewhere),
            }
        }
    }

    /// Asks the store whether it can be used, and how far the clocks are apart (T4).
    ///
    /// A skew of more than 2 s is logged as a warning: TTLs are then not exact.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering: `NotProvisioned`, `Unauthorized`, `Unavailable`, `Unsupported` for a layout
    /// that this version does not understand.
    pub async fn check(&self) -> Result<CheckReport> {
        let work = pin!(async {
            let FoundLayout { deadline, .. } = self.shared.layout().await?;
            let driver = &self.shared.driver;
            let before = self.now();
            let health =
                Attempts::until(&self.shared, Operation::Check, deadline).read(|| driver.check()).await?;
            let after = self.now();
            let clock_skew_millis = health.server_time.map(|server| {
                let middle = before.plus(after.since(before) / 2);
                i64::try_from(i128::from(middle.as_millis()) - i128::from(server.as_millis()))
                    .unwrap_or(i64::MAX)
            });
            let report = CheckReport { clock_skew_millis };
            if let Some(millis) = clock_skew_millis {
                self.shared.telemetry.clock_skew(millis);
                if !report.clock_is_within_bound() {
                    tracing::warn!(target: "larder", binding = &*self.shared.binding, millis, "the clocks are too far apart");
                }
            }
            Ok(report)
        });
        self.observed(Operation::Check, work).await
    }
}

impl Shared {
    async fn sweep_all(&self) -> Result<usize> {
        let mut removed = 0;
        loop {
            let swept = self.sweep_some().await?;
            removed += swept.removed;
            if !swept.more {
                return Ok(removed);
            }
        }
    }

    /// A sweep removes conditionally, so that one that went unanswered can be sent again.
    async fn sweep_some(&self) -> Result<crate::driver::Swept> {
        Attempts::new(self, Operation::Sweep).read(|| self.driver.sweep(self.clock.now(), SWEEP_BATCH)).await
    }
}
