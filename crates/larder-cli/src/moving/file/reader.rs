//! Reading an export, and checking every line of it.

use std::io::{BufRead, ErrorKind, Read};

use serde::Deserialize;

use super::line::{End, EntryLine, FORMAT, Header, checksum, opened};
use crate::failure::{Failure, Outcome};
use crate::moving::entry::Carried;

/// Longer than any line: a full value with every byte escaped, and its key.
const MAX_LINE: u64 = 256 * 1024;

/// Reads an export, line by line.
pub(crate) struct ExportReader<R> {
    lines: R,
    /// What errors call the export.
    place: String,
    line: u64,
    sum: u64,
    entries: u64,
    prefix: String,
    is_at_end: bool,
}

impl<R: BufRead> ExportReader<R> {
    /// Reads the first line.
    pub(crate) fn begin(lines: R, place: impl Into<String>) -> Outcome<Self> {
        let mut reader = Self {
            lines,
            place: place.into(),
            line: 0,
            sum: 0,
            entries: 0,
            prefix: String::new(),
            is_at_end: false,
        };
        let not_ours = "this is no export of larder";
        let text = reader.text()?.ok_or_else(|| reader.wrong(not_ours))?;
        if !text.starts_with(r#"{"larder":"#) {
            return Err(reader.wrong(not_ours));
        }
        let header: Header = reader.parsed(&text)?;
        if header.format != FORMAT {
            return Err(reader.wrong(format!(
                "the export has format {}, and this program reads {FORMAT}: use a newer one",
                header.format
            )));
        }
        reader.prefix = header.prefix;
        Ok(reader)
    }

    /// What all keys begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The number of the line that was read last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next entry; nothing once the last line has been read and found right.
    pub(crate) fn next(&mut self) -> Outcome<Option<Carried>> {
        if self.is_at_end {
            return Ok(None);
        }
        let Some(text) = self.text()? else {
            return Err(Failure::Other(format!(
                "{} ends after line {} without its last line: it was cut off",
                self.place, self.line
            )));
        };
        if text.starts_with(r#"{"entries":"#) {
            let end: End = self.parsed(&text)?;
            if end.entries != self.entries {
                let read = self.entries;
                return Err(
                    self.wrong(format!("there should be {} entries, and there are {read}", end.entries))
                );
            }
            if self.text()?.is_some() {
                return Err(self.wrong("something stands behind the last line"));
            }
            self.is_at_end = true;
            return Ok(None);
        }
        let entry: EntryLine<'_> = self.parsed(&text)?;
        let entry = entry.entry().ok_or_else(|| self.wrong("the entry has no value that can be read"))?;
        if !entry.key.starts_with(&self.prefix) {
            return Err(self.wrong("the key is not under the prefix of the export"));
        }
        self.entries += 1;
        Ok(Some(entry))
    }

    /// The next line without its break.
    fn text(&mut self) -> Outcome<Option<String>> {
        let mut bytes = Vec::new();
        let read = self.lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes);
        read.map_err(|error| match error.kind() {
            // Of a compressed one, that is told before its lines are.
            ErrorKind::UnexpectedEof => {
                Failure::Other(format!("{} ends after line {}: it was cut off", self.place, self.line))
            }
            _ => Failure::at(&self.place, &error),
        })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if bytes.pop_if(|last| *last == b'\n').is_none() {
            return Err(self.wrong(match bytes.len() as u64 {
                MAX_LINE => "the line is longer than any line of an export",
                _ => "the line is cut off",
            }));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| self.wrong("the line is not UTF-8"))
    }

    /// What a line holds, if its checksum is right. Its content is never part of an error.
    fn parsed<T: for<'de> Deserialize<'de>>(&mut self, text: &str) -> Outcome<T> {
        let (body, sum) = opened(text).ok_or_else(|| self.wrong("the line has no checksum at its end"))?;
        if checksum(self.sum, body) != sum {
            return Err(self.wrong(
                "the checksum is wrong: this line was changed, or one before it was removed, added or moved",
            ));
        }
        self.sum = sum;
        let json = format!("{body}}}");
        serde_json::from_str(&json).map_err(|_| self.wrong("the line is none that an export has"))
    }

    fn wrong(&self, what: impl AsRef<str>) -> Failure {
        Failure::Other(format!("{}, line {}: {}", self.place, self.line, what.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use larder::Timestamp;

    use super::super::ExportWriter;
    use super::*;

    fn entries() -> Vec<Carried> {
        let entry = |key: &str, value: &[u8], expires: Option<u64>| Carried {
            key: key.into(),
            value: value.to_vec().into(),
            expires_at: expires.map(Timestamp::from_millis),
        };
        vec![
            entry("a", b"text with \"quotes\" and \n", None),
            entry("b", &[0xFF, 0, 1], Some(253_402_300_799_999)),
            entry("c \u{1F956}", &[0; 24_576], Some(1_767_225_600_123)),
            entry("d", b"", None),
        ]
    }

    fn export() -> String {
        let mut writer = ExportWriter::begin(Vec::new(), "").expect("begun");
        for entry in entries() {
            writer.entry(&entry).expect("written");
        }
        String::from_utf8(writer.end().expect("ended")).expect("text")
    }

    fn read(text: &[u8]) -> Outcome<Vec<Carried>> {
        let mut reader = ExportReader::begin(text, "the export")?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.next()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    #[test]
    fn what_was_written_is_read_back_exactly() {
        assert!(read(export().as_bytes()).expect("whole") == entries());
    }

    #[test]
    fn the_first_checksum_is_that_of_another_implementation() {
        let header = export().lines().next().expect("a line").to_owned();
        assert_eq!(header, r#"{"larder":"export","format":1,"prefix":"","sum":"7eca9f69e26c913d"}"#);
    }

    #[test]
    fn an_export_that_is_cut_off_anywhere_is_refused() {
        let text = export();
        // Each byte of the short lines, and some of the long one.
        for at in (0..text.len()).filter(|at| *at < 600 || *at + 300 > text.len() || at % 997 == 0) {
            assert!(read(&text.as_bytes()[..at]).is_err(), "cut at {at}");
        }
        let cut = text.lines().take(3).map(|line| format!("{line}\n")).collect::<String>();
        let error = read(cut.as_bytes()).expect_err("cut").to_string();
        assert_eq!(error, "the export ends after line 3 without its last line: it was cut off");
    }

    #[test]
    fn every_changed_byte_is_noticed_and_its_line_named() {
        let text = export();
        let ends = text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
        for at in (0..text.len()).filter(|at| *at < 600 || *at + 300 > text.len() || at % 997 == 0) {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let error = read(&changed).expect_err("changed").to_string();
            let line = ends.iter().take_while(|end| **end < at).count() + 1;
            // A line break that is gone makes one line of two.
            let named = error.contains(&format!("line {line}:"));
            assert!(named || ends.contains(&at), "byte {at}: {error}");
        }
    }

    #[test]
    fn lines_that_were_moved_removed_repeated_or_added_are_noticed() {
        let text = export();
        let lines: Vec<_> = text.lines().collect();
        let whole =
            |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        assert!(read(&whole(&lines)).is_ok());
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        let mut repeated = lines.clone();
        repeated.insert(2, lines[1]);
        let removed: Vec<_> = [&lines[..2], &lines[3..]].concat();
        let added: Vec<_> = [&lines[..], &[lines[1]]].concat();
        for (what, at) in [(swapped, 2), (repeated, 3), (removed, 3), (added, lines.len() + 1)] {
            let error = read(&whole(&what)).expect_err("not as it was").to_string();
            assert!(error.contains(&format!("line {at}:")), "{error}");
        }
    }
}
