//! One script, played on any backend: what a user can observe of it, line by line.

mod reads;
mod told;
mod upkeep;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use larder_conformance::Context;
use larder_core::driver::Driver;
use larder_core::{Consistency, Kv, PutOptions, ScanOptions, Version};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use self::reads::Form;
use self::told::told;

/// Keys that some platform forbids, splits or normalises, in an order that is not theirs.
const KEYS: [&str; 24] = [
    "a", "A", "b/c", "b#c", "b?c", "b%2Fc", "b+c", "b c", "..", ".", "__x__", "user:1", "user:10", "user:2",
    "é", "e\u{301}", "日本", "🥫", "~", "'", "\"", "\\", "\u{0}", "x\ty",
];

/// Namespaces whose names begin alike, and one inside another.
const NAMESPACES: [&[&str]; 4] = [&[], &["user"], &["user-2"], &["user", "in"]];

/// Plays the script of a seed, and tells what was observed. Two backends that keep the contract tell the same.
pub async fn play(context: &Context, seed: u64, steps: usize) -> Vec<String> {
    let kv = context.kv().await;
    // A store that something else wrote to before its first use is refused.
    kv.exists("warm").await.expect("it works");
    let space = |ids: &&[&str]| Space {
        prefix: ids.iter().map(|id| format!("{id}:")).collect(),
        kv: ids.iter().fold(kv.clone(), |kv, id| kv.with_prefix(id).expect("a namespace")),
    };
    let mut player = Player {
        context: context.clone(),
        driver: context.driver().await,
        spaces: NAMESPACES.iter().map(space).collect(),
        random: StdRng::seed_from_u64(seed),
        versions: BTreeMap::new(),
    };
    let mut transcript = Vec::new();
    for number in 0..steps {
        let line = player.step().await;
        transcript.push(format!("{number}: {line}"));
    }
    // What is left, in every form that a scan has.
    for space in &player.spaces {
        for form in [Form::Entries, Form::Keys] {
            for told in [form.pages(&space.kv, "", 7).await, form.stream(&space.kv, "").await] {
                transcript.push(format!("{:?} at the end, {told}", space.prefix));
            }
            let whole = form.collect(&space.kv, "", 1_000).await;
            transcript.push(format!("{:?} at the end, {form:?} collected: {}", space.prefix, told(whole)));
        }
    }
    transcript
}

/// A part of the store, and the handle on it.
#[derive(Clone)]
struct Space {
    /// What the keys of its entries begin with in the whole store.
    prefix: String,
    kv: Kv,
}

impl Space {
    /// A key of it, as the whole store has it.
    fn whole(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

struct Player {
    context: Context,
    /// Past the handles.
    driver: Arc<dyn Driver>,
    /// The whole store first.
    spaces: Vec<Space>,
    random: StdRng,
    /// The last version seen of each key of the whole store, by whatever told it.
    versions: BTreeMap<String, Version>,
}

impl Player {
    fn key(&mut self) -> &'static str {
        KEYS[self.random.random_range(0..KEYS.len())]
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.random_range(0..8) {
            0 => Vec::new(),
            1 => vec![0xff; self.random.random_range(1..400)],
            2 => self.random.random_range(-1_000_i64..1_000).to_string().into_bytes(),
            3 => b"-0".to_vec(),
            _ => format!("value-{}", self.random.random_range(0..1_000)).into_bytes(),
        }
    }

    fn ttl(&mut self) -> Option<Duration> {
        let seconds = self.random.random_range(0..40);
        (seconds > 15).then(|| Duration::from_millis(seconds * 333))
    }

    /// The whole store in half of all steps.
    fn space(&mut self) -> Space {
        let at = self.random.random_range(0..2 * (self.spaces.len() - 1));
        self.spaces.get(at + 1).unwrap_or(&self.spaces[0]).clone()
    }

    /// A handle to read with: some reads are content with less, and see the same here, where nothing lags.
    fn reader(&mut self, space: &Space) -> Kv {
        match self.random.random_range(0..3) {
            0 => space.kv.with_consistency(Consistency::Eventual),
            _ => space.kv.clone(),
        }
    }

    /// A version seen before, which may be of a state that has gone.
    fn version(&self, space: &Space, key: &str) -> Option<Version> {
        self.versions.get(&space.whole(key)).cloned()
    }

    fn saw(&mut self, space: &Space, key: &str, version: &Version) {
        self.versions.insert(space.whole(key), version.clone());
    }

    async fn step(&mut self) -> String {
        let (space, key) = (self.space(), self.key());
        let line = match self.random.random_range(0..24) {
            0..=3 => self.put(&space, key).await,
            4 => self.get(&space, key).await,
            5 => self.entry(&space, key).await,
            6 => self.exists(&space, key).await,
            7 => format!("delete {key:?}: {}", told(space.kv.delete(key).await.map(|()| "done"))),
            8 => self.delete_version(&space, key).await,
            9..=10 => self.touch(&space, key).await,
            11..=12 => self.increment(&space, key).await,
            13..=15 => self.scan(&space).await,
            16 => self.get_many(&space).await,
            17..=18 => self.put_many(&space).await,
            19 => self.delete_many(&space).await,
            20 => {
                let by = Duration::from_millis(self.random.random_range(1..4_000));
                self.context.advance(by);
                format!("{by:?} later")
            }
            21 => self.sweep(&space).await,
            22 => self.spoil(&space, key).await,
            _ => self.refused(&space.kv, key).await,
        };
        format!("{:?}, {line}", space.prefix)
    }

    /// What is refused before any request: the words are the same as well.
    async fn refused(&mut self, kv: &Kv, key: &'static str) -> String {
        let error = match self.random.random_range(0..7) {
            0 => kv.put("", "", PutOptions::new()).await.map(drop),
            1 => kv.put(key, vec![0; 24_577], PutOptions::new()).await.map(drop),
            2 => kv.put(key, "", PutOptions::new().ttl(Duration::ZERO)).await.map(drop),
            3 => kv.scan_page("", ScanOptions::new().limit(1_001)).await.map(drop),
            4 => kv.with_prefix(key).map(drop),
            5 => kv.scan_keys_collect("k".repeat(513), 1).await.map(drop),
            _ => kv.get("k".repeat(513)).await.map(drop),
        };
        told(error.map(|()| "fine"))
    }
}
