//! Which requests meet with which faults.

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// Faults, and the requests that meet with them. Of several rules the first that matches is the only one that
/// applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Which requests.
    #[serde(default)]
    pub matcher: Matcher,
    /// What happens to them.
    pub faults: Vec<Fault>,
}

/// Which requests a rule is about: those that meet all its conditions.
///
/// A rule counts its candidates: the requests of its operation and with its text that no earlier rule took,
/// from 1. The other conditions look at that number, so what other operations do in between changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// See [`Exchange::operation`](super::Exchange::operation).
    pub operation: Option<String>,
    /// The body or the path has this text in it.
    pub containing: Option<String>,
    /// Not the first so many candidates.
    pub skip: u64,
    /// After those, only so many candidates.
    pub first: Option<u64>,
    /// After those that were skipped, every so-manieth candidate: with 3 the third, the sixth, and so on.
    pub every: Option<u64>,
    /// Each candidate with a probability.
    pub chance: Option<Chance>,
}

/// A probability. The same seed picks the same candidates, whatever else happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// From 0 for never to 1 for always.
    pub probability: f64,
    /// Which of the possible sequences of picks.
    pub seed: u64,
}

impl Rule {
    /// About every request.
    pub fn any() -> Self {
        Self { matcher: Matcher::default(), faults: Vec::new() }
    }

    /// About the requests of an operation.
    pub fn on(operation: &str) -> Self {
        let mut rule = Self::any();
        rule.matcher.operation = Some(operation.to_owned());
        rule
    }

    /// Adds a fault. A delay and a duplicate go with any other; of those that decide how it ends, the first
    /// decides.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Only if the body or the path has this text in it.
    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.matcher.containing = Some(text.to_owned());
        self
    }

    /// Not the first `count` candidates.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.matcher.skip = count;
        self
    }

    /// Only the first `count` candidates.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        self.matcher.first = Some(count);
        self
    }

    /// Every `nth` candidate.
    #[must_use]
    pub fn every(mut self, nth: u64) -> Self {
        self.matcher.every = Some(nth);
        self
    }

    /// Each candidate with this probability.
    #[must_use]
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.matcher.chance = Some(Chance { probability, seed });
        self
    }

    /// Fails, if it can never do what it says.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.matcher.every == Some(0) {
            return Err("every 0th request: give a number from 1".to_owned());
        }
        if let Some(Chance { probability, .. }) = self.matcher.chance
            && !(0.0..=1.0).contains(&probability)
        {
            return Err(format!("a probability of {probability}: give one from 0 to 1"));
        }
        for fault in &self.faults {
            if let Fault::Answer(answer) | Fault::AnswerAfter(answer) = fault {
                answer.response()?;
            }
        }
        Ok(())
    }
}

impl Matcher {
    /// Whether a request is a candidate.
    pub(super) fn is_about(&self, operation: &str, path: &str, body: &[u8]) -> bool {
        self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && self.containing.as_deref().is_none_or(|text| path.contains(text) || has(body, text.as_bytes()))
    }

    /// Whether the candidate of this number, from 1, is picked.
    pub(super) fn picks(&self, number: u64) -> bool {
        let Some(number @ 1..) = number.checked_sub(self.skip) else { return false };
        self.first.is_none_or(|first| number <= first)
            && self.every.is_none_or(|nth| number.is_multiple_of(nth))
            && self.chance.is_none_or(|chance| chance.picks(number))
    }
}

impl Chance {
    fn picks(self, number: u64) -> bool {
        // SplitMix64 reaches every number's random bits at once, with no state that the order of arrival
        // could change.
        let mut bits = self.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        ((bits >> 11) as f64) < self.probability * (1_u64 << 53) as f64
    }
}

fn has(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(rule: &Rule, of: u64) -> Vec<u64> {
        (1..=of).filter(|&number| rule.matcher.picks(number)).collect()
    }

    #[test]
    fn numbers_pick_candidates() {
        assert_eq!(picked(&Rule::any(), 3), [1, 2, 3]);
        assert_eq!(picked(&Rule::any().first(2), 9), [1, 2]);
        assert_eq!(picked(&Rule::any().every(3), 9), [3, 6, 9]);
        assert_eq!(picked(&Rule::any().skip(4).first(1), 9), [5]);
        assert_eq!(picked(&Rule::any().skip(1).every(2).first(4), 20), [3, 5]);
    }

    #[test]
    fn a_seed_decides_and_the_probability_holds() {
        let picks = picked(&Rule::any().probability(0.1, 7), 10_000);
        assert!((900..1_100).contains(&picks.len()), "{}", picks.len());
        assert_eq!(picks, picked(&Rule::any().probability(0.1, 7), 10_000));
        assert_ne!(picks, picked(&Rule::any().probability(0.1, 8), 10_000));
        assert_eq!(picked(&Rule::any().probability(0.0, 7), 1_000), [0_u64; 0]);
        assert_eq!(picked(&Rule::any().probability(1.0, 7), 1_000).len(), 1_000);
    }
}
