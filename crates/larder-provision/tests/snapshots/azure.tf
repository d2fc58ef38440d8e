# Key-value stores of Larder. The first use of each writes its layout record.
# flags is to have 1 shard: run `larder up` once it is made and before it is used, or the first use writes 16.

variable "principal_id" {
  description = "The object id of the identity that uses the stores"
  type        = string
}

data "azurerm_storage_account" "larder" {
  name                = "shopprod"
  resource_group_name = "shop"
}

resource "azurerm_storage_table" "kv_session_cache_625e6a45" {
  name                 = "sessioncache625e6a45"
  storage_account_name = data.azurerm_storage_account.larder.name
}

# What a service needs of the store session-cache, and no more.
resource "azurerm_role_assignment" "kv_session_cache_625e6a45" {
  scope                = "${data.azurerm_storage_account.larder.id}/tableServices/default/tables/${azurerm_storage_table.kv_session_cache_625e6a45.name}"
  role_definition_name = "Storage Table Data Contributor"
  principal_id         = var.principal_id
}

resource "azurerm_storage_table" "kv_flags_2934fb49" {
  name                 = "flags2934fb49"
  storage_account_name = data.azurerm_storage_account.larder.name
}

# What a service needs of the store flags, and no more.
resource "azurerm_role_assignment" "kv_flags_2934fb49" {
  scope                = "${data.azurerm_storage_account.larder.id}/tableServices/default/tables/${azurerm_storage_table.kv_flags_2934fb49.name}"
  role_definition_name = "Storage Table Data Contributor"
  principal_id         = var.principal_id
}

output "kv_session_cache_625e6a45_binding" {
  description = "The value of LARDER_SESSION_CACHE_BINDING"
  value       = "{\"accountName\":\"shopprod\",\"resourceGroupName\":\"shop\",\"service\":\"tablestorage\",\"tableName\":\"sessioncache625e6a45\"}"
}

output "kv_flags_2934fb49_binding" {
  description = "The value of LARDER_FLAGS_BINDING"
  value       = "{\"accountName\":\"shopprod\",\"resourceGroupName\":\"shop\",\"service\":\"tablestorage\",\"tableName\":\"flags2934fb49\"}"
}
