//! What infrastructure code makes is what the provisioner makes: the properties of the CloudFormation template, sent to
//! DynamoDB as CloudFormation sends them, leave the provisioner nothing but the layout record.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, PointInTimeRecoverySpecification, Tag,
    TimeToLiveSpecification,
};
use larder_conformance::emulator;
use larder_core::provision::{Change, Goal, Provisioner};
use larder_dynamodb::{Credentials as Keys, DynamoDbOptions, DynamoDbProvisioner, Protection, TableSpec};
use larder_provision::{AwsTarget, Stack, Target, Template};
use serde_json::Value;

const REGION: &str = "eu-central-1";

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn is_true(value: &Value) -> bool {
    value.as_bool().expect("a boolean")
}

async fn make(client: &Client, properties: &Value) {
    let list = |name: &str| properties[name].as_array().expect("a list").clone();
    let mut request = client
        .create_table()
        .table_name(text(&properties["TableName"]))
        .billing_mode(BillingMode::from(text(&properties["BillingMode"])))
        .set_deletion_protection_enabled(properties.get("DeletionProtectionEnabled").map(is_true));
    for column in list("AttributeDefinitions") {
        let built = AttributeDefinition::builder()
            .attribute_name(text(&column["AttributeName"]))
            .attribute_type(text(&column["AttributeType"]).into());
        request = request.attribute_definitions(built.build().expect("a column"));
    }
    for key in list("KeySchema") {
        let built = KeySchemaElement::builder()
            .attribute_name(text(&key["AttributeName"]))
            .key_type(text(&key["KeyType"]).into());
        request = request.key_schema(built.build().expect("a key"));
    }
    for tag in list("Tags") {
        let built = Tag::builder().key(text(&tag["Key"])).value(text(&tag["Value"]));
        request = request.tags(built.build().expect("a tag"));
    }
    request.send().await.expect("the table is made");
    let name = text(&properties["TableName"]);
    let ttl = &properties["TimeToLiveSpecification"];
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name(text(&ttl["AttributeName"]))
        .enabled(ttl["Enabled"].as_bool().expect("a boolean"));
    let request = client.update_time_to_live().table_name(name);
    request.time_to_live_specification(ttl.build().expect("a setting")).send().await.expect("TTL");
    let recovery = &properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
    let recovery = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(recovery.as_bool().expect("a boolean"));
    let request = client.update_continuous_backups().table_name(name);
    request
        .point_in_time_recovery_specification(recovery.build().expect("a setting"))
        .send()
        .await
        .expect("PITR");
}

#[tokio::test]
async fn a_table_of_the_template_is_one_of_the_provisioner() {
    // An id of this run's own.
    let id = format!("matching-{}", std::process::id());
    let json = format!(r#"{{"type":"kv","id":"{id}","deletionProtection":true}}"#);
    let stack = Stack::from_json(&json).expect("a stack");
    let target = Target::Aws(AwsTarget { region: REGION.to_owned(), ..AwsTarget::default() });
    let template = Template::CloudFormation.render(&stack, &target).expect("code");
    let template: Value = serde_json::from_str(&template).expect("JSON");
    let tables = template["Resources"].as_object().expect("resources").values();
    let table =
        tables.into_iter().find(|resource| resource["Type"] == "AWS::DynamoDB::Table").expect("a table");
    let properties = &table["Properties"];
    let server = emulator("ministack");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(&server)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    make(&Client::from_conf(config), properties).await;

    let keys = Keys::Keys { id: "test".into(), secret: "test".into(), session_token: None };
    let options =
        DynamoDbOptions::new(text(&properties["TableName"]), REGION).endpoint_url(server).credentials(keys);
    let spec = TableSpec::new().tag("larder:id", &id).tag("managed-by", "larder");
    let provisioner =
        DynamoDbProvisioner::open(options.clone(), spec.clone().protection(Protection::On)).await;
    let plan = provisioner.expect("options").plan(Goal::Present).await.expect("a plan");
    for step in &plan.steps {
        match step.part {
            "layout record" => assert!(matches!(step.change, Change::Create(_)), "{plan}"),
            _ => assert!(matches!(step.change, Change::Keep(_)), "{plan}"),
        }
    }
    assert_eq!(plan.steps.len(), 7, "{plan}");
    let unprotected = DynamoDbProvisioner::open(options.clone(), spec.protection(Protection::Off)).await;
    let unprotected = unprotected.expect("options");
    unprotected.apply().await.expect("applied");
    unprotected.destroy(&options.table).await.expect("removed");
}
