//! The text of requests for items.
//!
//! The SDK would have each attribute copied into a map of named ones, and write that. Written straight from the records, a
//! request costs a fraction of it, and whoever puts many values at once waits for less.

/// A document that is being written.
pub(crate) struct Json(String);

impl Json {
    /// An object, with room for so many bytes.
    pub(crate) fn object(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    /// A field whose value is written by this.
    pub(crate) fn field(&mut self, name: &str, value: impl FnOnce(&mut Self)) {
        self.comma();
        self.quoted(name);
        self.0.push(':');
        value(self);
    }

    /// A field with text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.field(name, |json| json.quoted(text));
    }

    /// Yes or no in its place.
    pub(crate) fn flag(&mut self, is_so: bool) {
        self.0.push_str(if is_so { "true" } else { "false" });
    }

    /// A number in its place.
    pub(crate) fn count(&mut self, number: impl itoa::Integer) {
        self.0.push_str(itoa::Buffer::new().format(number));
    }

    /// An object in its place.
    fn nested(&mut self, fields: impl FnOnce(&mut Self)) {
        self.0.push('{');
        fields(self);
        self.0.push('}');
    }

    /// A field with an object.
    pub(crate) fn object_field(&mut self, name: &str, fields: impl FnOnce(&mut Self)) {
        self.field(name, |json| json.nested(fields));
    }

    /// A field with a list of objects.
    pub(crate) fn list_field<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut fields: impl FnMut(&mut Self, T),
    ) {
        self.field(name, |json| {
            json.0.push('[');
            for item in items {
                json.comma();
                json.nested(|json| fields(json, item));
            }
            json.0.push(']');
        });
    }

    /// What stands between this and what came before, if anything did.
    fn comma(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }

    /// An attribute of type string.
    pub(crate) fn string(&mut self, name: &str, text: &str) {
        self.object_field(name, |json| json.text("S", text));
    }

    /// An attribute of type number.
    pub(crate) fn number(&mut self, name: &str, number: impl itoa::Integer) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        self.object_field(name, |json| {
            json.0.push_str(r#""N":""#);
            json.0.push_str(digits);
            json.0.push('"');
        });
    }

    /// An attribute of type binary.
    pub(crate) fn binary(&mut self, name: &str, bytes: &[u8]) {
        self.field(name, |json| {
            json.0.push_str(r#"{"B":""#);
            base64_simd::STANDARD.encode_append(bytes, &mut json.0);
            json.0.push_str(r#""}"#);
        });
    }

    /// The whole text.
    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// Nothing of Larder's own has anything in it that JSON escapes; a table's name is given by people.
    fn quoted(&mut self, text: &str) {
        let is_plain = |byte: u8| byte >= b' ' && !matches!(byte, b'"' | b'\\');
        self.0.push('"');
        if text.bytes().all(is_plain) {
            self.0.push_str(text);
        } else {
            for character in text.chars() {
                match u8::try_from(character) {
                    Ok(byte) if !is_plain(byte) => self.0.push_str(&format!("\\u{byte:04x}")),
                    _ => self.0.push(character),
                }
            }
        }
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_whole() {
        let mut json = Json::object(0);
        json.text("TableName", "t\"\\\n\u{e4}");
        json.object_field("Item", |json| {
            json.string("sk", "a");
            json.number("exp", i64::MIN);
            json.binary("v", b"\x00\xff");
            json.binary("w", b"");
        });
        json.list_field("List", ["a", "b"], |json, name| json.text(name, ""));
        json.field("Limit", |json| json.count(101));
        let expected = r#"{"TableName":"t\u0022\u005c\u000aä","Item":{"sk":{"S":"a"},"exp":{"N":"-9223372036854775808"},"v":{"B":"AP8="},"w":{"B":""}},"List":[{"a":""},{"b":""}],"Limit":101}"#;
        assert_eq!(json.finish(), expected);
    }
}
