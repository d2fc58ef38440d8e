//! What the measurements need to know of a platform, and a store on it with both ways to it.

use std::env;

use larder_core::driver::Driver;
use larder_core::{Kv, RetryPolicy};

use super::by_hand::ByHand;
use super::entries::now;
use crate::Outcome;

/// One of the clouds.
pub(super) trait Platform: 'static {
    /// Its name, as cases show it.
    const NAME: &'static str;
    /// Its name, as measurements are told it.
    const ID: &'static str;
    /// The emulator that stands for it.
    const EMULATOR: &'static str;

    /// The most tasks that do something with many entries at once: each opens as many connections as it sends requests.
    const TASKS_OF_MANY: usize = 64;
    /// One in so many of what the other platforms are asked for is asked for here.
    const ONE_IN: usize = 1;
    /// How many blocks of laps count, of what is done with one entry.
    const BLOCKS: usize = 16;
    /// The fewest turns that each task has in a lap, of what is done with one entry.
    const LEAST_TURNS: usize = 8;

    /// Larder's side.
    type Driver: Driver + 'static;
    /// The hand-written side.
    type ByHand: ByHand;

    /// Makes what is to be there before the first entry.
    fn create(driver: &Self::Driver) -> impl Future<Output = Outcome<()>> + Send;

    fn driver(name: &str, url: &str) -> impl Future<Output = Outcome<Self::Driver>> + Send;

    fn by_hand(name: &str, url: &str) -> impl Future<Output = Outcome<Self::ByHand>> + Send;
}

/// The address of a platform's emulator.
pub(super) fn emulator<P: Platform>() -> Outcome<String> {
    let variable = format!("LARDER_EMULATOR_{}", P::EMULATOR.to_uppercase());
    env::var(&variable).map_err(|_| {
        format!("{variable} is not set: run `eval \"$(cargo xtask emulators up {})\"` first", P::EMULATOR)
            .into()
    })
}

/// A table or a collection, and both ways to it.
pub(super) struct Store<H> {
    pub(super) name: String,
    pub(super) kv: Kv,
    pub(super) by_hand: H,
}

impl<H: ByHand> Store<H> {
    /// A new one, whose layout record is written.
    pub(super) async fn create<P: Platform<ByHand = H>>(limits: RetryPolicy) -> Outcome<Self> {
        // Letters and digits: a name that all platforms take.
        let name = format!("bench{}x{}", std::process::id(), now());
        let url = emulator::<P>()?;
        P::create(&P::driver(&name, &url).await?).await?;
        let store = Self::reach::<P>(name, &url, limits).await?;
        store.kv.exists("warm").await?;
        Ok(store)
    }

    /// One that is there, by way of another address.
    pub(super) async fn reach<P: Platform<ByHand = H>>(
        name: String,
        url: &str,
        limits: RetryPolicy,
    ) -> Outcome<Self> {
        let kv = Kv::builder(P::driver(&name, url).await?).retry(limits).build();
        let by_hand = P::by_hand(&name, url).await?;
        Ok(Self { name, kv, by_hand })
    }
}
