//! The routes of those who run a gateway.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::caller::Caller;
use crate::gateway::Gateway;
use crate::problem::{Code, Problem};

/// The form of the metrics.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// For whoever asks, beside the data: whether it lives, and whether it is ready, without the names of stores.
pub(crate) fn public() -> Router<Gateway> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(is_ready))
}

/// For callers who reach all that the gateway serves: metrics tell of every store.
pub(crate) fn whole() -> Router<Gateway> {
    let route = get(async |caller: Caller, gateway: State<Gateway>| match caller.check_whole() {
        Ok(()) => metrics(gateway).await,
        Err(problem) => problem.into_response(),
    });
    Router::new().route("/metrics", route)
}

/// For a listener of its own, which only operators reach.
pub(crate) fn admin() -> Router<Gateway> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(what_is_ready))
        .route("/metrics", get(metrics))
        .fallback(async || Problem::new(Code::RouteNotFound, "there are /healthz, /readyz and /metrics"))
}

/// The process answers. Nothing else is asked, so that an outage of a store makes nobody start it anew.
async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "alive": true }))
}

async fn is_ready(State(gateway): State<Gateway>) -> Response {
    let report = gateway.health().report(&gateway).await;
    (status(report.ready), Json(json!({ "ready": report.ready }))).into_response()
}

async fn what_is_ready(State(gateway): State<Gateway>) -> Response {
    let report = gateway.health().report(&gateway).await;
    (status(report.ready), Json(&*report)).into_response()
}

/// The metrics, if the process collects any.
async fn metrics(State(gateway): State<Gateway>) -> Response {
    match gateway.metrics() {
        Some(metrics) => ([(CONTENT_TYPE, METRICS_TYPE)], metrics.render()).into_response(),
        None => Problem::new(Code::RouteNotFound, "this process collects no metrics").into_response(),
    }
}

fn status(is_ready: bool) -> StatusCode {
    if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
