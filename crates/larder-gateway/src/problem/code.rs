//! What can go wrong, and the status of each.

use axum::http::StatusCode;

/// What went wrong, for programs. Each has one status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Code {
    /// The request's own parameters, headers or body are out of bounds. Nothing was done.
    ValidationError,
    /// No key was given, or none that is known.
    Unauthorized,
    /// The key lets this caller in, but not do that.
    Forbidden,
    /// The key is not in the store.
    NotFound,
    /// The gateway does not serve this binding to this caller.
    BindingNotFound,
    /// No script of that name is deployed, or it has no such version.
    ScriptNotFound,
    /// There is no such path.
    RouteNotFound,
    /// The path is there, but not with this method.
    MethodNotAllowed,
    /// The entry is not one that this can be done to, as an increment of what is no number. Nothing changed.
    Conflict,
    /// The value cannot be had in the form that was asked for.
    NotAcceptable,
    /// The condition of a write did not hold, and nothing changed.
    PreconditionFailed,
    /// The body has too many bytes.
    PayloadTooLarge,
    /// The body is not of a type that this route takes.
    UnsupportedMediaType,
    /// The caller asks too often.
    RateLimited,
    /// A script threw, or returned what cannot be answered.
    ScriptError,
    /// A script used more processor time than it may.
    ScriptCpuLimit,
    /// A script used more memory than it may.
    ScriptMemoryLimit,
    /// A script took longer than it may. What it wrote may have been applied.
    ScriptTimeout,
    /// The worker of a script ended. What it wrote may have been applied.
    ScriptCrashed,
    /// As many scripts run and wait as may.
    ScriptsBusy,
    /// A defect of the gateway.
    Internal,
    /// A write may have been applied, or may still be.
    Ambiguous,
    /// A stored record cannot be decoded.
    Corrupt,
    /// The store cannot do that.
    Unsupported,
    /// The store is not there, or refuses the gateway.
    StoreUnusable,
    /// The store asks for fewer requests.
    StoreThrottled,
    /// The store cannot be reached or cannot serve now.
    Unavailable,
    /// The time was up, and nothing was applied.
    Timeout,
}

impl Code {
    /// Its name in bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ValidationError => "VALIDATION_ERROR",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BindingNotFound => "BINDING_NOT_FOUND",
            Self::ScriptNotFound => "SCRIPT_NOT_FOUND",
            Self::ScriptError => "SCRIPT_ERROR",
            Self::ScriptCpuLimit => "SCRIPT_CPU_LIMIT",
            Self::ScriptMemoryLimit => "SCRIPT_MEMORY_LIMIT",
            Self::ScriptTimeout => "SCRIPT_TIMEOUT",
            Self::ScriptCrashed => "SCRIPT_CRASHED",
            Self::ScriptsBusy => "SCRIPTS_BUSY",
            Self::RouteNotFound => "ROUTE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Conflict => "CONFLICT",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::RateLimited => "RATE_LIMITED",
            Self::Internal => "INTERNAL",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Corrupt => "CORRUPT",
            Self::Unsupported => "UNSUPPORTED",
            Self::StoreUnusable => "STORE_UNUSABLE",
            Self::StoreThrottled => "STORE_THROTTLED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// Its status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::ValidationError => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::BindingNotFound | Self::ScriptNotFound | Self::RouteNotFound => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            // Clients send again by themselves what came back as 503 or 504, which an ambiguous write must not be.
            Self::Internal | Self::Ambiguous | Self::Corrupt | Self::ScriptCrashed => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::ScriptError | Self::ScriptCpuLimit | Self::ScriptMemoryLimit => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Self::StoreUnusable => StatusCode::BAD_GATEWAY,
            Self::StoreThrottled | Self::Unavailable | Self::ScriptsBusy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout | Self::ScriptTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}
