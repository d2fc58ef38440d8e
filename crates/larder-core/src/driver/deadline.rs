//! How long an attempt may take, for drivers that pass it on.

use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static UNTIL: Instant;
}

/// How long the attempt that this task makes may still take: what is left of the operation's deadline, and no longer than
/// one attempt (E4). Nobody waits for it after that.
///
/// `None` for a driver whose layout no server keeps ([`LayoutKeeper::Store`](super::LayoutKeeper::Store)): only what
/// passes the time on to somebody has to know it, since whoever gives up drops the attempt.
pub fn time_left() -> Option<Duration> {
    let until = UNTIL.try_with(|until| *until).ok()?;
    Some(until.saturating_duration_since(Instant::now()))
}

/// Makes an attempt that knows its time: a handle does, and who makes attempts for a handle elsewhere.
pub async fn until<T>(until: Instant, attempt: impl Future<Output = T>) -> T {
    UNTIL.scope(until, attempt).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_knows_what_is_left_of_its_time() {
        assert_eq!(time_left(), None);
        let at = Instant::now() + Duration::from_secs(2);
        until(at, async {
            assert_eq!(time_left(), Some(Duration::from_secs(2)));
            tokio::time::advance(Duration::from_millis(500)).await;
            assert_eq!(time_left(), Some(Duration::from_millis(1_500)));
            tokio::time::advance(Duration::from_secs(5)).await;
            assert_eq!(time_left(), Some(Duration::ZERO));
        })
        .await;
    }
}
