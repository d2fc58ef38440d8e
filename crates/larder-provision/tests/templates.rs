//! Infrastructure code: as it was when somebody looked at it, and as the provisioner makes it.

use std::path::PathBuf;

use larder::{Bindings, ErrorKind};
use larder_provision::{AwsTarget, AzureTarget, GcpTarget, LocalTarget, Stack, Target, Template};
use serde_json::Value;

fn stack() -> Stack {
    let json = r#"[{"type":"kv","id":"session-cache"},{"type":"kv","id":"flags","shards":1,"deletionProtection":true}]"#;
    Stack::from_json(json).expect("a stack")
}

fn aws() -> Target {
    Target::Aws(AwsTarget { region: "eu-central-1".to_owned(), ..AwsTarget::default() })
}

fn gcp() -> Target {
    let location = Some("eur3".to_owned());
    Target::Gcp(GcpTarget { project: "shop-prod".to_owned(), location, ..GcpTarget::default() })
}

fn azure() -> Target {
    let resource_group = Some("shop".to_owned());
    Target::Azure(AzureTarget { account: "shopprod".to_owned(), resource_group, ..AzureTarget::default() })
}

/// Compares with the file of that name. With `LARDER_BLESS` set, the file is written instead: look at what changed.
#[track_caller]
fn assert_snapshot(name: &str, text: &str) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots")).join(name);
    if std::env::var_os("LARDER_BLESS").is_some() {
        std::fs::write(&path, text).expect("the snapshot is written");
    }
    let known = std::fs::read_to_string(&path).expect("a snapshot");
    assert!(known == text, "{name} differs; LARDER_BLESS=1 writes it anew:\n{text}");
}

#[test]
fn terraform_is_as_it_was_looked_at() {
    for (name, target) in [("aws.tf", aws()), ("gcp.tf", gcp()), ("azure.tf", azure())] {
        assert_snapshot(name, &Template::Terraform.render(&stack(), &target).expect("code"));
    }
}

#[test]
fn cloudformation_is_as_it_was_looked_at() {
    assert_snapshot("aws.json", &Template::CloudFormation.render(&stack(), &aws()).expect("code"));
}

#[test]
fn bicep_is_as_it_was_looked_at() {
    assert_snapshot("azure.bicep", &Template::Bicep.render(&stack(), &azure()).expect("code"));
}

#[test]
fn cloudformation_is_whole() {
    let text = Template::CloudFormation.render(&stack(), &aws()).expect("code");
    let template: Value = serde_json::from_str(&text).expect("JSON");
    let resources = template["Resources"].as_object().expect("resources");
    assert_eq!(resources.len(), 4, "a table and a policy each");
    let is_logical_id =
        |id: &str| !id.is_empty() && id.len() <= 255 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    assert!(resources.keys().all(|id| is_logical_id(id)), "{resources:?}");
    for resource in resources.values().filter(|resource| resource["Type"] == "AWS::IAM::ManagedPolicy") {
        let statements =
            resource["Properties"]["PolicyDocument"]["Statement"].as_array().expect("statements");
        let [statement] = statements.as_slice() else { panic!("{statements:?}") };
        // The one table, and nothing that begins with a star.
        let table = statement["Resource"]["Fn::GetAtt"][0].as_str().expect("a table");
        assert_eq!(resources[table]["Type"], "AWS::DynamoDB::Table");
        let actions = statement["Action"].as_array().expect("actions");
        assert!(
            actions.iter().all(|action| !action.as_str().expect("an action").contains('*')),
            "{actions:?}"
        );
    }
    // What it gives out can be loaded.
    for output in template["Outputs"].as_object().expect("outputs").values() {
        if let Some(text) = output["Value"].as_str() {
            Bindings::from_map([("cache", text)]).binding("cache").expect("a binding");
        }
    }
}

#[test]
fn a_language_of_another_cloud_is_refused() {
    let local = Target::Local(LocalTarget::default());
    for (template, target) in [
        (Template::CloudFormation, gcp()),
        (Template::CloudFormation, azure()),
        (Template::Bicep, aws()),
        (Template::Terraform, local.clone()),
        (Template::Bicep, local),
    ] {
        let error = template.render(&stack(), &target).expect_err("another cloud");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let bad = Target::Azure(AzureTarget { account: "'}${x}".to_owned(), ..AzureTarget::default() });
    let error = Template::Bicep.render(&stack(), &bad).expect_err("no account");
    assert!(error.to_string().contains("accountName"), "{error}");
}
