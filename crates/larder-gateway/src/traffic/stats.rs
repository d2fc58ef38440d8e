//! `GET /v1/stats`: what the gateway answered by the second.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::recorder::Second;
use crate::caller::Caller;
use crate::extract::Query;
use crate::gateway::Gateway;
use crate::problem::{Problem, Refusals};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Which seconds.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// Only the seconds after this one: the `at` of the last one that the reader has.
    #[serde(default)]
    #[param(minimum = 0, maximum = 253402300799_u64)]
    after: u64,
}

/// What the gateway answered by the second.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    /// Seconds that are over, the oldest first, without a gap; at most the last 300.
    #[schema(max_items = 300)]
    seconds: Vec<Second>,
}

/// Says how many requests the gateway answered in each of the last 300 seconds, how fast, and how many failed.
///
/// For whom `/metrics` is: API keys without a namespace that open every binding, and callers of a gateway without keys.
/// The requests for it, for `/v1/me` and for what operators look at are not counted.
#[utoipa::path(
    get,
    path = "/v1/stats",
    tag = "gateway",
    operation_id = "getStats",
    params(After),
    responses((status = 200, description = "The seconds.", body = Stats), Refusals)
)]
pub(super) async fn get_stats(
    State(gateway): State<Gateway>,
    caller: Caller,
    Query(After { after }): Query<After>,
) -> Result<Json<Stats>, Problem> {
    if after > LAST {
        return Err(Problem::invalid(
            "after",
            format!("is at most {LAST}, the last second of the year 9999"),
        ));
    }
    caller.check_whole()?;
    Ok(Json(Stats { seconds: gateway.traffic().seconds(Instant::now(), after) }))
}
