//! The errors that every route can answer, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

const REFUSALS: [(&str, &str); 12] = [
    ("400", "A parameter, a header or the body is out of bounds, and nothing was done: `VALIDATION_ERROR`."),
    ("401", "No API key was given, or none that is known: `UNAUTHORIZED`."),
    ("403", "The API key does not allow that: `FORBIDDEN`."),
    ("404", "The key is not there: `NOT_FOUND`. Or the binding is not: `BINDING_NOT_FOUND`."),
    ("405", "The path does not take this method: `METHOD_NOT_ALLOWED`."),
    ("413", "The body is too large: `PAYLOAD_TOO_LARGE`."),
    ("415", "The body is of a type that is not taken here: `UNSUPPORTED_MEDIA_TYPE`."),
    ("429", "The API key asks too often: `RATE_LIMITED`. `Retry-After` says when to come back."),
    (
        "500",
        "A write may have been applied or not: `AMBIGUOUS`. A record is damaged: `CORRUPT`. Or a defect: `INTERNAL`.",
    ),
    ("502", "The store is not there for the gateway to use: `STORE_UNUSABLE`."),
    ("503", "The store cannot serve now: `UNAVAILABLE`, `STORE_THROTTLED`. Nothing was applied."),
    ("504", "The store did not answer in time, and nothing was applied: `TIMEOUT`."),
];

/// The errors that every route can answer.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        REFUSALS.into_iter().map(describe).collect()
    }
}

/// The same, with other words for some of them.
pub(crate) fn refusals_but(others: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let mut responses = Refusals::responses();
    responses.extend(others.iter().copied().map(describe));
    responses
}

fn describe((status, description): (&str, &str)) -> (String, RefOr<Response>) {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
    let response = ResponseBuilder::new().description(description).content("application/json", body).build();
    (status.to_owned(), RefOr::T(response))
}
