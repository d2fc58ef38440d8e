//! Bytes on one line, so that they can be read back exactly.

/// Appends bytes in a form that has no line break, no tab and no control character, and that no other bytes have.
///
/// UTF-8 text stands for itself, but for `\\`, `\n`, `\r`, `\t`, and `\xHH` for all other control characters and for
/// bytes that are no text.
pub(crate) fn push_escaped(into: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => into.push_str("\\\\"),
                '\n' => into.push_str("\\n"),
                '\r' => into.push_str("\\r"),
                '\t' => into.push_str("\\t"),
                _ if character.is_control() => {
                    push_hex(into, character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => into.push(character),
            }
        }
        push_hex(into, chunk.invalid());
    }
}

/// The same as a text of its own.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    push_escaped(&mut text, bytes);
    text
}

fn push_hex(into: &mut String, bytes: &[u8]) {
    for byte in bytes {
        into.push_str(&format!("\\x{byte:02X}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_for_itself_and_all_else_is_escaped() {
        assert_eq!(escaped("Müller, 5 €".as_bytes()), "Müller, 5 €");
        assert_eq!(escaped(b"a\tb\nc\\d\r\0"), r"a\tb\nc\\d\r\x00");
        assert_eq!(escaped(b"\xFF\xC3("), r"\xFF\xC3(");
        // A control character of two bytes.
        assert_eq!(escaped("\u{85}".as_bytes()), r"\xC2\x85");
    }
}
