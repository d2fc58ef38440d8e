//! Answers of the store as values of the script.

use rquickjs::{Array, BigInt, Ctx, IntoJs, Null, Object, Result, TypedArray, Undefined, Value};

use crate::wire::{Answer, Found, Item, Refusal};

/// In which form a script wants an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Values as bytes.
    Bytes,
    /// A value as text.
    Text,
}

/// The largest number that the language holds exactly.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// An answer as a value, or why it has no such form.
pub(super) fn value<'js>(
    ctx: &Ctx<'js>,
    answer: Answer,
    form: Form,
) -> Result<std::result::Result<Value<'js>, Refusal>> {
    let value = match answer {
        Answer::Value(None) | Answer::Entry(None) | Answer::Stored(None) => Undefined.into_js(ctx)?,
        Answer::Value(Some(bytes)) if form == Form::Text => match String::from_utf8(bytes) {
            Ok(text) => text.into_js(ctx)?,
            Err(_) => {
                return Ok(Err(Refusal::new("CORRUPT", "the value is no text; get gives it as bytes")));
            }
        },
        Answer::Value(Some(bytes)) => array(ctx, &bytes)?,
        Answer::Entry(Some(found)) => entry(ctx, found)?.into_value(),
        Answer::Stored(Some(version)) => version.into_js(ctx)?,
        Answer::Flag(flag) => flag.into_js(ctx)?,
        Answer::Number(number) if (-MAX_SAFE..=MAX_SAFE).contains(&number) => (number as f64).into_js(ctx)?,
        Answer::Number(number) => BigInt::from_i64(ctx.clone(), number)?.into_js(ctx)?,
        Answer::Page { items, cursor } => {
            let page = Object::new(ctx.clone())?;
            let list = Array::new(ctx.clone())?;
            for (at, one) in items.into_iter().enumerate() {
                list.set(at, item(ctx, one)?)?;
            }
            page.set("items", list)?;
            match cursor {
                Some(cursor) => page.set("cursor", cursor)?,
                None => page.set("cursor", Null)?,
            }
            page.into_value()
        }
    };
    Ok(Ok(value))
}

fn entry<'js>(ctx: &Ctx<'js>, found: Found) -> Result<Object<'js>> {
    let entry = Object::new(ctx.clone())?;
    entry.set("key", found.key)?;
    entry.set("value", array(ctx, &found.value)?)?;
    entry.set("version", found.version)?;
    if let Some(millis) = found.expires_at {
        entry.set("expiresAt", millis as f64)?;
    }
    Ok(entry)
}

fn item<'js>(ctx: &Ctx<'js>, item: Item) -> Result<Object<'js>> {
    match item {
        Item::Found(found) => entry(ctx, found),
        Item::Failed { key, refusal } => {
            let error = Object::new(ctx.clone())?;
            error.set("code", refusal.code)?;
            error.set("message", refusal.message)?;
            let item = Object::new(ctx.clone())?;
            if let Some(key) = key {
                item.set("key", key)?;
            }
            item.set("error", error)?;
            Ok(item)
        }
    }
}

/// Bytes in memory of the script, so that they count against its limit.
fn array<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Value<'js>> {
    Ok(TypedArray::<u8>::new_copy(ctx.clone(), bytes)?.into_value())
}
