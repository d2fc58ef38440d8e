//! The token that emulators expect.

use gcloud_sdk::HeaderMap;
use gcloud_sdk::google_cloud_auth::credentials::{CacheableResource, CredentialsProvider, EntityTag};
use gcloud_sdk::google_cloud_auth::errors::CredentialsError;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{Extensions, HeaderValue};

/// A token that is none, and never changes.
#[derive(Debug)]
pub(super) struct EmulatorToken {
    tag: EntityTag,
}

impl EmulatorToken {
    pub(super) fn new() -> Self {
        Self { tag: EntityTag::new() }
    }
}

impl CredentialsProvider for EmulatorToken {
    async fn headers(&self, known: Extensions) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        if known.get::<EntityTag>() == Some(&self.tag) {
            return Ok(CacheableResource::NotModified);
        }
        let data = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer owner"))]);
        Ok(CacheableResource::New { entity_tag: self.tag.clone(), data })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}
