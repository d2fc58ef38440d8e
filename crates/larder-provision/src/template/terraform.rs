//! Terraform, as HCL.

use larder::variable_of;

use super::description::{AwsTable, AzureAccount, Description, GcpDatabase, StoreDescription};

pub(super) fn render(description: &Description) -> String {
    let mut code =
        "# Key-value stores of Larder. The first use of each writes its layout record.\n".to_owned();
    match description {
        Description::Aws(tables) => {
            notes(&mut code, tables.iter().map(|table| &table.store));
            tables.iter().for_each(|table| aws(&mut code, table));
            outputs(&mut code, tables.iter().map(|table| &table.store));
        }
        Description::Gcp(database) => {
            notes(&mut code, database.collections.iter());
            gcp(&mut code, database);
            outputs(&mut code, database.collections.iter());
        }
        Description::Azure(account) => {
            notes(&mut code, account.tables.iter());
            azure(&mut code, account);
            outputs(&mut code, account.tables.iter());
        }
    }
    code
}

/// A string of HCL, which knows the escapes of JSON and has templates besides.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace("${", "$${").replace("%{", "%%{")
}

fn notes<'a>(code: &mut String, stores: impl Iterator<Item = &'a StoreDescription>) {
    for note in stores.filter_map(StoreDescription::note) {
        code.push_str(&format!("# {note}.\n"));
    }
}

fn outputs<'a>(code: &mut String, stores: impl Iterator<Item = &'a StoreDescription>) {
    for store in stores {
        code.push_str(&format!(
            "\noutput {} {{\n  description = {}\n  value       = {}\n}}\n",
            quoted(&format!("{}_binding", store.symbol)),
            quoted(&format!("The value of {}", variable_of(&store.id))),
            quoted(&store.binding.to_string())
        ));
    }
}

/// Arguments as `terraform fmt` aligns them.
fn aligned(arguments: Vec<(&str, String)>) -> String {
    let width = arguments.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    arguments.into_iter().map(|(name, value)| format!("  {name:width$} = {value}\n")).collect()
}

fn aws(code: &mut String, table: &AwsTable) {
    let (symbol, name) = (&table.store.symbol, quoted(&table.store.name));
    let (partition, sort) = (quoted(table.partition_key), quoted(table.sort_key));
    // As `terraform fmt` aligns them.
    let width = table.tags.iter().map(|(key, _)| quoted(key).len()).max().unwrap_or_default();
    let tag = |(key, value): &(&str, String)| format!("    {:width$} = {}\n", quoted(key), quoted(value));
    let tags: String = table.tags.iter().map(tag).collect();
    let protected = table.is_protected.map(|on| ("deletion_protection_enabled", on.to_string()));
    let arguments = [
        ("name", name),
        ("billing_mode", quoted("PAY_PER_REQUEST")),
        ("hash_key", partition.clone()),
        ("range_key", sort.clone()),
    ];
    let arguments = aligned(arguments.into_iter().chain(protected).collect());
    code.push_str(&format!(
        r#"
resource "aws_dynamodb_table" "{symbol}" {{
{arguments}
  attribute {{
    name = {partition}
    type = "S"
  }}

  attribute {{
    name = {sort}
    type = "S"
  }}

  ttl {{
    attribute_name = {ttl}
    enabled        = true
  }}

  point_in_time_recovery {{
    enabled = true
  }}

  tags = {{
{tags}  }}
}}
"#,
        ttl = quoted(table.ttl_attribute),
    ));
    let actions: String =
        table.actions.iter().map(|action| format!("        {},\n", quoted(action))).collect();
    code.push_str(&format!(
        r#"
# What a service needs of the store {id}, and no more.
resource "aws_iam_policy" "{symbol}" {{
  policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [{{
      Effect = "Allow"
      Action = [
{actions}      ]
      Resource = aws_dynamodb_table.{symbol}.arn
    }}]
  }})
}}
"#,
        id = table.store.id,
    ));
}

fn gcp(code: &mut String, database: &GcpDatabase) {
    let (project, name) = (quoted(&database.project), quoted(&database.database));
    if let Some(location) = &database.location {
        code.push_str(&format!(
            r#"
resource "google_firestore_database" "larder" {{
  project         = {project}
  name            = {name}
  location_id     = {location}
  type            = "FIRESTORE_NATIVE"
  deletion_policy = "ABANDON"
}}
"#,
            location = quoted(location),
        ));
    }
    let depends = match database.location {
        Some(_) => "\n  depends_on = [google_firestore_database.larder]\n",
        None => "",
    };
    for collection in &database.collections {
        for field in database.exempt_fields {
            let ttl = if *field == database.ttl_field { "\n  ttl_config {}\n" } else { "" };
            code.push_str(&format!(
                r#"
resource "google_firestore_field" "{symbol}_{field}" {{
  project    = {project}
  database   = {name}
  collection = {collection}
  field      = {quoted_field}

  # No single-field index.
  index_config {{}}
{ttl}{depends}}}
"#,
                symbol = collection.symbol,
                collection = quoted(&collection.name),
                quoted_field = quoted(field),
            ));
        }
    }
    let resource = format!("projects/{}/databases/{}", database.project, database.database);
    let expression = format!("resource.name == \"{resource}\"");
    code.push_str(&format!(
        r#"
variable "service_account" {{
  description = "The address of the service account that uses the stores"
  type        = string
}}

# Firestore knows no narrower scope than a database: whoever uses one collection may use all that are in it.
resource "google_project_iam_member" "larder" {{
  project = {project}
  role    = {role}
  member  = "serviceAccount:${{var.service_account}}"

  condition {{
    title      = "larder-database"
    expression = {expression}
  }}
}}
"#,
        role = quoted(database.role),
        expression = quoted(&expression),
    ));
}

fn azure(code: &mut String, account: &AzureAccount) {
    let group = match &account.resource_group {
        Some(group) => quoted(group),
        None => {
            code.push_str(
                "\nvariable \"resource_group_name\" {\n  description = \"The resource group of the storage account\"\n  \
                 type        = string\n}\n",
            );
            "var.resource_group_name".to_owned()
        }
    };
    code.push_str(&format!(
        r#"
variable "principal_id" {{
  description = "The object id of the identity that uses the stores"
  type        = string
}}

data "azurerm_storage_account" "larder" {{
  name                = {account}
  resource_group_name = {group}
}}
"#,
        account = quoted(&account.account),
    ));
    let (role, _) = account.role;
    for table in &account.tables {
        code.push_str(&format!(
            r#"
resource "azurerm_storage_table" "{symbol}" {{
  name                 = {name}
  storage_account_name = data.azurerm_storage_account.larder.name
}}

# What a service needs of the store {id}, and no more.
resource "azurerm_role_assignment" "{symbol}" {{
  scope                = "${{data.azurerm_storage_account.larder.id}}/tableServices/default/tables/${{azurerm_storage_table.{symbol}.name}}"
  role_definition_name = {role}
  principal_id         = var.principal_id
}}
"#,
            symbol = table.symbol,
            name = quoted(&table.name),
            id = table.id,
            role = quoted(role),
        ));
    }
}
