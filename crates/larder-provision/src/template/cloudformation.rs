//! CloudFormation, as JSON.

use larder::{Error, ErrorKind, Result, variable_of};
use serde_json::{Map, Value, json};

use super::description::AwsTable;

pub(super) fn render(tables: &[AwsTable]) -> Result<String> {
    let (mut resources, mut outputs) = (Map::new(), Map::new());
    for table in tables {
        let symbol = logical_id(&table.store.symbol);
        resources.insert(symbol.clone(), resource(table));
        resources.insert(format!("{symbol}Access"), policy(table, &symbol));
        let binding = json!({
            "Description": format!("The value of {}", variable_of(&table.store.id)),
            "Value": table.store.binding.to_string(),
        });
        outputs.insert(format!("{symbol}Binding"), binding);
        outputs.insert(
            format!("{symbol}Policy"),
            json!({ "Description": "For the role of the service", "Value": { "Ref": format!("{symbol}Access") } }),
        );
    }
    let notes: Vec<_> = tables.iter().filter_map(|table| table.store.note()).collect();
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Key-value stores of Larder. The first use of each writes its layout record.",
        "Resources": resources,
        "Outputs": outputs,
    });
    if !notes.is_empty() {
        template["Metadata"] = json!({ "Larder": notes });
    }
    let text = serde_json::to_string_pretty(&template);
    Ok(text.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))? + "\n")
}

/// Letters and digits only. The hash at the end of the symbol, which stays, keeps those apart that differ.
fn logical_id(symbol: &str) -> String {
    symbol.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn resource(table: &AwsTable) -> Value {
    let keys = [(table.partition_key, "HASH"), (table.sort_key, "RANGE")];
    let definitions = keys.map(|(name, _)| json!({ "AttributeName": name, "AttributeType": "S" }));
    let schema = keys.map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
    let tags: Vec<_> = table.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let mut resource = json!({
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "TableName": table.store.name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": definitions,
            "KeySchema": schema,
            "TimeToLiveSpecification": { "AttributeName": table.ttl_attribute, "Enabled": true },
            "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
            "Tags": tags,
        },
    });
    if let Some(is_protected) = table.is_protected {
        resource["Properties"]["DeletionProtectionEnabled"] = is_protected.into();
    }
    resource
}

fn policy(table: &AwsTable, symbol: &str) -> Value {
    json!({
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": format!("What a service needs of the store {}, and no more", table.store.id),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Action": table.actions,
                    "Resource": { "Fn::GetAtt": [symbol, "Arn"] },
                }],
            },
        },
    })
}
