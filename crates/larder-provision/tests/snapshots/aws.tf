# Key-value stores of Larder. The first use of each writes its layout record.
# flags is to have 1 shard: run `larder up` once it is made and before it is used, or the first use writes 16.

resource "aws_dynamodb_table" "kv_session_cache_625e6a45" {
  name         = "session-cache-625e6a45"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  tags = {
    "larder:id"  = "session-cache"
    "managed-by" = "larder"
  }
}

# What a service needs of the store session-cache, and no more.
resource "aws_iam_policy" "kv_session_cache_625e6a45" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
      ]
      Resource = aws_dynamodb_table.kv_session_cache_625e6a45.arn
    }]
  })
}

resource "aws_dynamodb_table" "kv_flags_2934fb49" {
  name                        = "flags-2934fb49"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = true

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  tags = {
    "larder:id"  = "flags"
    "managed-by" = "larder"
  }
}

# What a service needs of the store flags, and no more.
resource "aws_iam_policy" "kv_flags_2934fb49" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
      ]
      Resource = aws_dynamodb_table.kv_flags_2934fb49.arn
    }]
  })
}

output "kv_session_cache_625e6a45_binding" {
  description = "The value of LARDER_SESSION_CACHE_BINDING"
  value       = "{\"region\":\"eu-central-1\",\"service\":\"dynamodb\",\"tableName\":\"session-cache-625e6a45\"}"
}

output "kv_flags_2934fb49_binding" {
  description = "The value of LARDER_FLAGS_BINDING"
  value       = "{\"region\":\"eu-central-1\",\"service\":\"dynamodb\",\"tableName\":\"flags-2934fb49\"}"
}
