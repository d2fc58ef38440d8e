//! Bicep.

use larder::variable_of;

use super::description::AzureAccount;

/// A string of Bicep.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('\'', r"\'").replace("${", r"\${");
    format!("'{escaped}'")
}

pub(super) fn render(account: &AzureAccount) -> String {
    let mut code =
        "// Key-value stores of Larder. The first use of each writes its layout record.\n".to_owned();
    for note in account.tables.iter().filter_map(|table| table.note()) {
        code.push_str(&format!("// {note}.\n"));
    }
    let (role, role_id) = account.role;
    code.push_str(&format!(
        r#"
@description('The storage account, which has to be there')
param storageAccountName string = {account}

@description('The object id of the identity that uses the stores')
param principalId string

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {{
  name: storageAccountName
}}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' existing = {{
  parent: account
  name: 'default'
}}

// {role}
var roleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', {role_id})
"#,
        account = quoted(&account.account),
        role_id = quoted(role_id),
    ));
    for table in &account.tables {
        code.push_str(&format!(
            r#"
resource {symbol} 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = {{
  parent: tables
  name: {name}
}}

// What a service needs of the store {id}, and no more.
resource {symbol}_access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{
  name: guid({symbol}.id, principalId, roleId)
  scope: {symbol}
  properties: {{
    roleDefinitionId: roleId
    principalId: principalId
  }}
}}

@description({description})
output {symbol}_binding string = {binding}
"#,
            symbol = table.symbol,
            name = quoted(&table.name),
            id = table.id,
            description = quoted(&format!("The value of {}", variable_of(&table.id))),
            binding = quoted(&table.binding.to_string()),
        ));
    }
    code
}
