# Key-value stores of Larder. The first use of each writes its layout record.

resource "google_firestore_database" "larder" {
  project         = "shop-prod"
  name            = "(default)"
  location_id     = "eur3"
  type            = "FIRESTORE_NATIVE"
  deletion_policy = "ABANDON"
}

resource "google_firestore_field" "kv_session_cache_625e6a45_v" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "session-cache-625e6a45"
  field      = "v"

  # No single-field index.
  index_config {}

  depends_on = [google_firestore_database.larder]
}

resource "google_firestore_field" "kv_session_cache_625e6a45_exp" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "session-cache-625e6a45"
  field      = "exp"

  # No single-field index.
  index_config {}

  ttl_config {}

  depends_on = [google_firestore_database.larder]
}

resource "google_firestore_field" "kv_session_cache_625e6a45_w" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "session-cache-625e6a45"
  field      = "w"

  # No single-field index.
  index_config {}

  depends_on = [google_firestore_database.larder]
}

resource "google_firestore_field" "kv_session_cache_625e6a45_h" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "session-cache-625e6a45"
  field      = "h"

  # No single-field index.
  index_config {}

  depends_on = [google_firestore_database.larder]
}

resource "google_firestore_field" "kv_flags_2934fb49_v" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "flags-2934fb49"
  field      = "v"

  # No single-field index.
  index_config {}

  depends_on = [google_firestore_database.larder]
}

resource "google_firestore_field" "kv_flags_2934fb49_exp" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "flags-2934fb49"
  field      = "exp"

  # No single-field index.
  index_config {}

  ttl_config {}

  depends_on = [google_firestore_database.larder]
}

resource "google_firestore_field" "kv_flags_2934fb49_w" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "flags-2934fb49"
  field      = "w"

  # No single-field index.
  index_config {}

  depends_on = [google_firestore_database.larder]
}

resource "google_firestore_field" "kv_flags_2934fb49_h" {
  project    = "shop-prod"
  database   = "(default)"
  collection = "flags-2934fb49"
  field      = "h"

  # No single-field index.
  index_config {}

  depends_on = [google_firestore_database.larder]
}

variable "service_account" {
  description = "The address of the service account that uses the stores"
  type        = string
}

# Firestore knows no narrower scope than a database: whoever uses one collection may use all that are in it.
resource "google_project_iam_member" "larder" {
  project = "shop-prod"
  role    = "roles/datastore.user"
  member  = "serviceAccount:${var.service_account}"

  condition {
    title      = "larder-database"
    expression = "resource.name == \"projects/shop-prod/databases/(default)\""
  }
}

output "kv_session_cache_625e6a45_binding" {
  description = "The value of LARDER_SESSION_CACHE_BINDING"
  value       = "{\"collectionName\":\"session-cache-625e6a45\",\"projectId\":\"shop-prod\",\"service\":\"firestore\"}"
}

output "kv_flags_2934fb49_binding" {
  description = "The value of LARDER_FLAGS_BINDING"
  value       = "{\"collectionName\":\"flags-2934fb49\",\"projectId\":\"shop-prod\",\"service\":\"firestore\"}"
}
