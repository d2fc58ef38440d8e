// Key-value stores of Larder. The first use of each writes its layout record.
// flags is to have 1 shard: run `larder up` once it is made and before it is used, or the first use writes 16.

@description('The storage account, which has to be there')
param storageAccountName string = 'shopprod'

@description('The object id of the identity that uses the stores')
param principalId string

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageAccountName
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

// Storage Table Data Contributor
var roleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3')

resource kv_session_cache_625e6a45 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = {
  parent: tables
  name: 'sessioncache625e6a45'
}

// What a service needs of the store session-cache, and no more.
resource kv_session_cache_625e6a45_access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(kv_session_cache_625e6a45.id, principalId, roleId)
  scope: kv_session_cache_625e6a45
  properties: {
    roleDefinitionId: roleId
    principalId: principalId
  }
}

@description('The value of LARDER_SESSION_CACHE_BINDING')
output kv_session_cache_625e6a45_binding string = '{"accountName":"shopprod","resourceGroupName":"shop","service":"tablestorage","tableName":"sessioncache625e6a45"}'

resource kv_flags_2934fb49 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = {
  parent: tables
  name: 'flags2934fb49'
}

// What a service needs of the store flags, and no more.
resource kv_flags_2934fb49_access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(kv_flags_2934fb49.id, principalId, roleId)
  scope: kv_flags_2934fb49
  properties: {
    roleDefinitionId: roleId
    principalId: principalId
  }
}

@description('The value of LARDER_FLAGS_BINDING')
output kv_flags_2934fb49_binding string = '{"accountName":"shopprod","resourceGroupName":"shop","service":"tablestorage","tableName":"flags2934fb49"}'
