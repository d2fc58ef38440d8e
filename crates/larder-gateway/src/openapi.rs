//! The description of the routes for programs, made from the code of the routes.

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::gateway::Gateway;
use crate::problem::{Code, FieldError, Problem, ProblemBody};
use crate::{attempt, kv, me, scripts, seed, traffic};

/// What is not said at the routes.
#[derive(OpenApi)]
#[openapi(
    info(title = "Larder", description = "Small values with a use-by date, in whichever cloud's cupboard."),
    components(schemas(ProblemBody, FieldError)),
    security(("bearer" = []), ("apiKey" = [])),
    modifiers(&Keys)
)]
struct Described;

/// How a caller says who it is. A gateway without keys does not ask.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        components.add_security_scheme("bearer", bearer);
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
        components.add_security_scheme("apiKey", header);
    }
}

/// The routes with their descriptions.
pub(crate) fn api() -> OpenApiRouter<Gateway> {
    OpenApiRouter::with_openapi(Described::openapi())
        .merge(seed::routes())
        .merge(kv::routes())
        .merge(me::routes())
        .merge(traffic::routes())
        .merge(scripts::routes())
}

/// The OpenAPI document of the routes: the one at `/openapi.json`.
pub fn document() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

/// The routes, with what answers where there is none.
pub(crate) fn served(api: Router<Gateway>) -> Router<Gateway> {
    let document = document();
    // What remote drivers send is described by larder-remote: it is no API for other programs.
    api.merge(attempt::routes())
        .route("/openapi.json", get(async move || Json(document.clone())))
        .fallback(async || Problem::new(Code::RouteNotFound, "there is no such path; see /openapi.json"))
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "this path does not take that method; see the header Allow")
        })
}
