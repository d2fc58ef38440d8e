//! What a request gives, read strictly, with errors that name the field and never show what it held (E2).

mod body;
mod explain;
mod media_type;
mod precondition;
mod query;
pub(crate) mod whole;

pub(crate) use self::body::{JsonBody, RawBody, is_json};
pub(crate) use self::media_type::media_type;
pub(crate) use self::precondition::Precondition;
pub(crate) use self::query::Query;
