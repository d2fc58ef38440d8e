//! The span of a request, by the OpenTelemetry conventions of HTTP. Those of the store's operations are within it.

use axum::http::{HeaderMap, StatusCode};
use tracing::Span;
use tracing::field::Empty;

use crate::request_id;

/// Begins the span of a request. It has no part of the path as it came: keys are in it.
pub(crate) fn span(method: &'static str, route: &str, headers: &HeaderMap) -> Span {
    // What stands here is looked at only if somebody collects spans.
    let span = tracing::info_span!(
        target: "larder",
        "request",
        otel.name = format!("{method} {route}").trim_end(),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = (!route.is_empty()).then_some(route),
        http.response.status_code = Empty,
        error.type = Empty,
        larder.request_id = request_id::current(),
    );
    continue_trace(&span, headers);
    span
}

/// Notes how a request was answered. Only what is the gateway's fault is an error of a server.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
}

/// Makes the span a part of the trace that the caller has begun: the header `traceparent` of W3C Trace Context.
#[cfg(feature = "otel")]
fn continue_trace(span: &Span, headers: &HeaderMap) {
    use opentelemetry::propagation::TextMapPropagator;
    use opentelemetry_http::HeaderExtractor;
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    if !span.is_disabled() {
        // It fails where nobody makes traces of spans.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers)));
    }
}

#[cfg(not(feature = "otel"))]
fn continue_trace(_: &Span, _: &HeaderMap) {}
