//! The bodies of the requests that are for one item, up to their conditions, and for a range of them.

use larder_core::driver::{Projection, Read, RowKey, ScanRequest, ScanStart};

use crate::codec::{partition, write_key, write_key_of};
use crate::driver::strong;
use crate::expressions::{META, RANGE, REAPED_NAME};
use crate::json::Json;

/// About how many bytes a key takes, with the names of its attributes.
pub(crate) const KEY_BYTES: usize = 96;
/// About how many bytes the fields around a key take: the table, and a short condition.
const AROUND: usize = 320;

/// A request for an item of a table, with that much room beside its key.
pub(crate) fn of_item(table: &str, key: &RowKey, room: usize) -> Json {
    let mut body = Json::object(KEY_BYTES + AROUND + room);
    body.text("TableName", table);
    body.object_field("Key", |json| write_key(json, key));
    body
}

/// A read.
pub(crate) fn get(table: &str, key: &RowKey, read: Read) -> String {
    let mut body = of_item(table, key, 0);
    what(&mut body, read);
    body.finish()
}

/// What is read of items, and how fresh.
pub(crate) fn what(to: &mut Json, read: Read) {
    to.field("ConsistentRead", |json| json.flag(strong(read)));
    if read.projection == Projection::Meta {
        to.text("ProjectionExpression", META);
    }
}

/// An update by an expression that sets the reaper's attribute. What the condition met is sent back.
pub(crate) fn update(
    table: &str,
    key: &RowKey,
    (expression, condition): (&str, &str),
    values: impl FnOnce(&mut Json),
) -> Json {
    // Some values, each with a name and a type.
    let mut body = of_item(table, key, expression.len() + condition.len() + 512);
    let (short, name) = REAPED_NAME;
    body.text("UpdateExpression", expression);
    body.text("ConditionExpression", condition);
    body.object_field("ExpressionAttributeNames", |json| json.text(short, name));
    body.object_field("ExpressionAttributeValues", values);
    body.text("ReturnValuesOnConditionCheckFailure", "ALL_OLD");
    body
}

/// A range of one shard, of which at most so many items are read.
pub(crate) fn query(table: &str, request: &ScanRequest, limit: usize) -> String {
    let start = match &request.start {
        ScanStart::At(start) => start.as_str(),
        ScanStart::After(key) => key.as_str(),
    };
    let shard = partition(request.shard);
    let mut body = Json::object(4 * KEY_BYTES + AROUND);
    body.text("TableName", table);
    body.text("KeyConditionExpression", RANGE);
    body.object_field("ExpressionAttributeValues", |json| {
        json.string(":pk", &shard);
        json.string(":start", start);
        json.string(":end", &request.end);
    });
    if matches!(request.start, ScanStart::After(_)) {
        body.object_field("ExclusiveStartKey", |json| write_key_of(json, &shard, start));
    }
    what(&mut body, request.read);
    body.field("Limit", |json| json.count(limit));
    body.finish()
}
