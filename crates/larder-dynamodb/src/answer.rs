//! Answers to reads, parsed straight into what is read of them.
//!
//! The SDK would make a map of names and typed values of each item first, which is most of what a page costs.

use std::collections::HashMap;

use aws_sdk_dynamodb::config::ConfigBag;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::exchange::{self, Operation};
use crate::parts::Parts;

/// What was read.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) items: Vec<Parts>,
    /// Whether there is more than what was sent.
    pub(crate) is_cut_off: bool,
    /// The keys that the service did not get to.
    pub(crate) undone: Vec<Parts>,
}

/// The answer to any read, as the service sends it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    item: Option<Parts>,
    items: Option<Vec<Parts>>,
    responses: Option<HashMap<String, Vec<Parts>>>,
    last_evaluated_key: Option<HashMap<String, IgnoredAny>>,
    unprocessed_keys: Option<HashMap<String, Undone>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Undone {
    keys: Vec<Parts>,
}

impl Answer {
    /// What a document says of an operation, whatever else is in it; `None` if it is no answer to that. Only where an item
    /// is not there, nothing says so.
    fn of(operation: Operation, document: Document) -> Option<Self> {
        let mut answer = Self::default();
        match operation {
            Operation::Get => answer.items.extend(document.item),
            Operation::Query => {
                answer.items = document.items?;
                answer.is_cut_off = document.last_evaluated_key.is_some_and(|key| !key.is_empty());
            }
            _ => {
                answer.items = document.responses?.into_values().flatten().collect();
                let undone = document.unprocessed_keys.into_iter().flat_map(HashMap::into_values);
                answer.undone = undone.flat_map(|table| table.keys).collect();
            }
        }
        Some(answer)
    }

    /// Reads the answer to an operation.
    fn parse(operation: Operation, body: &[u8]) -> Option<Self> {
        // The parser would take a list for a document, too.
        let is_document = body.trim_ascii_start().starts_with(b"{");
        // Its own words quote what it read (E2).
        let document = is_document.then(|| serde_json::from_slice(body).ok())??;
        Self::of(operation, document)
    }
}

/// Parses in the place of the SDK, whose own output stays empty.
#[derive(Debug)]
struct ByHand(Operation);

impl ByHand {
    fn output(&self) -> Option<Output> {
        Some(match self.0 {
            Operation::Get => Output::erase(GetItemOutput::builder().build()),
            Operation::Query => Output::erase(QueryOutput::builder().build()),
            Operation::GetBatch => Output::erase(BatchGetItemOutput::builder().build()),
            _ => return None,
        })
    }
}

impl DeserializeResponse for ByHand {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = response.body().bytes().unwrap_or_default();
        let answer = Answer::parse(self.0, body)
            .ok_or_else(|| OrchestratorError::response("the answer is none of DynamoDB's".into()))?;
        exchange::answered(answer);
        self.output().ok_or_else(|| OrchestratorError::other("an answer to no read"))
    }
}

/// Has the answer to a read that was successful parsed here. What a refusal says is left to the SDK.
pub(crate) fn parse(response: &HttpResponse, config: &mut ConfigBag) {
    if let Some(operation) = exchange::current_read().filter(|_| response.status().is_success()) {
        config.interceptor_state().store_put(SharedResponseDeserializer::new(ByHand(operation)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Found;

    fn answer(operation: Operation, json: &str) -> Option<Answer> {
        Answer::parse(operation, json.as_bytes())
    }

    const READS: [Operation; 3] = [Operation::Get, Operation::Query, Operation::GetBatch];

    #[test]
    fn an_item_is_read_whatever_stands_beside_it() {
        let json = r#"{"ConsumedCapacity":{"CapacityUnits":0.5},"Item":{"pk":{"S":"0A"},
            "sk":{"S":"a\"\u00e4\/"},"v":{"B":"aGVs\/28="},"exp":{"N":"9"},"w":{"B":"AAAAAAAAAAAAAAAAAAAAAA=="},
            "other":{"M":{"deep":{"L":[{"BOOL":true},{"SS":["x"]}]}}},"none":{"NULL":true},"wt":{"N":"1E3"},"n":{"S":"7"}}}"#;
        let found = answer(Operation::Get, json).expect("it is one");
        let [item] = &found.items[..] else { panic!("one item") };
        assert_eq!(item.key.as_deref(), Some("a\"\u{e4}/"));
        assert!(matches!(&item.value, Found::Right(value) if value[..] == *b"hel\xffo"));
        assert!(matches!(item.number, Found::Wrong));
        assert_eq!((item.expiry, item.written_at), (Some(9), None));
        assert!(item.write_id.is_some() && item.history.is_none());
        assert!(!found.is_cut_off && found.undone.is_empty());
    }

    #[test]
    fn without_an_item_there_is_none() {
        for (operation, json) in [
            (Operation::Get, "{}"),
            (Operation::Get, r#"{"Item":null}"#),
            (Operation::Query, r#"{"Items":[],"LastEvaluatedKey":{},"Count":0}"#),
            (Operation::GetBatch, r#"{"Responses":{},"UnprocessedKeys":{}}"#),
            (Operation::GetBatch, r#"{"Responses":{"t":[]}}"#),
        ] {
            let found = answer(operation, json).expect("it is one");
            assert!(found.items.is_empty() && !found.is_cut_off && found.undone.is_empty(), "{json}");
        }
    }

    #[test]
    fn a_page_tells_whether_it_was_cut_off() {
        let json = r#"{"Items":[{"sk":{"S":"a"}},{"sk":{"S":"b"}}],"LastEvaluatedKey":{"sk":{"S":"b"}}}"#;
        let found = answer(Operation::Query, json).expect("it is one");
        let keys: Vec<_> = found.items.iter().map(|item| item.key.as_deref()).collect();
        assert_eq!((keys, found.is_cut_off), (vec![Some("a"), Some("b")], true));
    }

    #[test]
    fn a_batch_tells_what_it_did_not_get_to() {
        let json = r#"{"Responses":{"t":[{"sk":{"S":"a"}}]},
            "UnprocessedKeys":{"t":{"ConsistentRead":true,"Keys":[{"pk":{"S":"00"},"sk":{"S":"b"}}]}}}"#;
        let found = answer(Operation::GetBatch, json).expect("it is one");
        let undone: Vec<_> = found.undone.iter().map(|key| key.key.as_deref()).collect();
        assert_eq!((found.items.len(), undone), (1, vec![Some("b")]));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for json in [
            "",
            "[]",
            "[null,null,null,null,null]",
            r#"{"Item":{"sk":{"S":"a"}"#,
            r#"{"Item":{"v":{"B":"a"}}}"#,
            r#"{"Item":{"v":{"B":"aGVs*28="}}}"#,
            r#"{"Item":{"exp":{"N":9}}}"#,
            r#"{"Item":{"sk":"a"}}"#,
            r#"{"Items":{}}"#,
        ] {
            assert!(READS.into_iter().all(|operation| answer(operation, json).is_none()), "{json}");
        }
        // Who reads many is told where there are none.
        for json in ["{}", r#"{"message":"busy"}"#, r#"{"Items":null,"Responses":null}"#] {
            assert!(answer(Operation::Query, json).is_none(), "{json}");
            assert!(answer(Operation::GetBatch, json).is_none(), "{json}");
        }
    }

    #[test]
    fn what_answers_another_operation_is_not_taken_for_an_answer() {
        let item = r#"{"Item":{"sk":{"S":"a"}},"Items":[{},{}],"LastEvaluatedKey":{"sk":{}},"Responses":{"t":[{},{},{}]}}"#;
        for (operation, count) in READS.into_iter().zip([1, 2, 3]) {
            let found = answer(operation, item).expect("it is one");
            assert_eq!((found.items.len(), found.is_cut_off), (count, operation == Operation::Query));
        }
    }
}
