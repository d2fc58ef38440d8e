//! What was thrown, and what ended a run.

use rquickjs::{Ctx, Error, Object, Type, Value};

use super::clock::CpuMeter;
use crate::outcome::Thrown;
use crate::wire::End;

/// The most bytes of a message, and of a stack, that are told.
const MAX_MESSAGE: usize = 4 * 1024;
const MAX_STACK: usize = 8 * 1024;

/// How a run ended that the engine ended with an error. Scripts can throw what the engine throws without memory: it is that
/// only where the engine wanted more than there was.
pub(super) fn end(ctx: &Ctx<'_>, meter: &CpuMeter, has_refused: bool, error: &Error) -> End {
    // Whoever was interrupted is told by the meter, since scripts can throw the same text as the engine.
    if meter.has_ended_it() {
        return End::Cpu;
    }
    match error {
        Error::Exception => of_value(ctx, has_refused, &ctx.catch()),
        Error::Allocation => End::Memory,
        error => End::Threw(of_engine(error)),
    }
}

/// Says in the script's terms that the engine could not do something.
pub(super) fn of_engine(error: &Error) -> Thrown {
    Thrown { name: "Error".to_owned(), message: error.to_string(), stack: String::new(), code: None }
}

/// The promise of the script cannot be settled by anything any more.
pub(super) fn never_settled() -> Thrown {
    let message = "the script waits for a promise that nothing settles: there is no call under way and nothing left to run";
    Thrown { name: "Error".to_owned(), message: message.to_owned(), stack: String::new(), code: None }
}

fn of_value<'js>(ctx: &Ctx<'js>, has_refused: bool, value: &Value<'js>) -> End {
    // There was not even memory for the error. What is not initialized, no script can throw.
    if (value.is_null() || value.type_of() == Type::Uninitialized) && has_refused {
        return End::Memory;
    }
    let Some(object) = value.as_object() else {
        let message = text(ctx, value.clone(), MAX_MESSAGE).unwrap_or_default();
        return End::Threw(Thrown { name: String::new(), message, stack: String::new(), code: None });
    };
    let thrown = Thrown {
        name: field(ctx, object, "name", MAX_MESSAGE).unwrap_or_default(),
        message: field(ctx, object, "message", MAX_MESSAGE).unwrap_or_default(),
        stack: field(ctx, object, "stack", MAX_STACK).unwrap_or_default(),
        code: field(ctx, object, "code", MAX_MESSAGE),
    };
    if has_refused && thrown.name == "InternalError" && thrown.message == "out of memory" {
        return End::Memory;
    }
    End::Threw(thrown)
}

/// A property, if it is a string. It may be a getter of the script, which throws or never ends: the meter still runs.
fn field<'js>(ctx: &Ctx<'js>, object: &Object<'js>, name: &str, limit: usize) -> Option<String> {
    match object.get::<_, Value<'js>>(name) {
        Ok(value) if value.is_string() => text(ctx, value, limit),
        Ok(_) => None,
        Err(_) => {
            ctx.catch();
            None
        }
    }
}

/// What a primitive is as text; nothing for what has none.
fn text<'js>(ctx: &Ctx<'js>, value: Value<'js>, limit: usize) -> Option<String> {
    let text = match value.as_string() {
        Some(text) => text.to_string(),
        None => value.get::<rquickjs::Coerced<String>>().map(|text| text.0),
    };
    match text {
        Ok(mut text) => {
            let end = text.floor_char_boundary(limit);
            text.truncate(end);
            Some(text)
        }
        Err(_) => {
            ctx.catch();
            None
        }
    }
}
