//! The rules that hold now, and how many candidates each has had.

use std::sync::{Mutex, PoisonError};

use super::fault::Fault;
use super::rule::Rule;

/// The rules that hold now.
#[derive(Debug, Default)]
pub(super) struct Rulebook {
    rules: Mutex<Vec<(Rule, u64)>>,
}

impl Rulebook {
    /// Replaces all rules. Requests that are on their way keep what they were given.
    pub(super) fn replace(&self, rules: Vec<Rule>) -> Result<(), String> {
        rules.iter().try_for_each(Rule::check)?;
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) =
            rules.into_iter().map(|rule| (rule, 0)).collect();
        Ok(())
    }

    /// What happens to a request.
    pub(super) fn faults(&self, operation: &str, path: &str, body: &[u8]) -> Vec<Fault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule, candidates) in rules.iter_mut() {
            if rule.matcher.is_about(operation, path, body) {
                *candidates += 1;
                if rule.matcher.picks(*candidates) {
                    return rule.faults.clone();
                }
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_takes_the_request() {
        let book = Rulebook::default();
        let rules = vec![
            Rule::on("PutItem").first(1).with(Fault::DropReply),
            Rule::on("PutItem").containing("key").with(Fault::WithholdReply),
            Rule::on("GetItem").first(1).with(Fault::DropRequest),
        ];
        book.replace(rules.clone()).unwrap();
        assert_eq!(book.faults("PutItem", "/", b"a key"), [Fault::DropReply]);
        assert_eq!(book.faults("PutItem", "/", b"a key"), [Fault::WithholdReply]);
        assert_eq!(book.faults("PutItem", "/key", b""), [Fault::WithholdReply]);
        assert_eq!(book.faults("PutItem", "/", b"other"), []);
        assert_eq!(book.faults("GetItem", "/", b""), [Fault::DropRequest]);
        assert_eq!(book.faults("GetItem", "/", b""), []);

        book.replace(rules).unwrap();
        assert_eq!(book.faults("PutItem", "/", b"a key"), [Fault::DropReply]);
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        use crate::proxy::Answer;
        let book = Rulebook::default();
        for rule in [
            Rule::any().every(0),
            Rule::any().probability(1.1, 0),
            Rule::any().with(Fault::Answer(Answer::status(7))),
            Rule::any().with(Fault::AnswerAfter(Answer::status(500).header("a b", ""))),
        ] {
            book.replace(vec![rule]).unwrap_err();
        }
    }
}
