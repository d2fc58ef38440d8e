//! Tables, for people.

use comfy_table::{ContentArrangement, Table};

use super::{Output, Reader};
use crate::failure::Outcome;

/// Rows under headings.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn new(headings: impl Into<Vec<&'static str>>) -> Self {
        Self { headings: headings.into(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: impl Into<Vec<String>>) {
        self.rows.push(row.into());
    }

    /// The same rows with a cell before each that says what they are.
    pub(crate) fn with_first(mut self, name: &str) -> Self {
        for row in &mut self.rows {
            row.insert(0, name.to_owned());
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Output {
    /// Prints a table for a person, and lines of cells with tabs between them for a program.
    pub(crate) fn rows(&self, rows: &Rows) -> Outcome<()> {
        let mut text = match self.reader {
            Reader::Person => self.table(rows),
            Reader::Program => rows.rows.iter().map(|row| row.join("\t") + "\n").collect(),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        self.bytes(text.as_bytes())
    }

    fn table(&self, rows: &Rows) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(rows.headings.clone());
        for row in &rows.rows {
            table.add_row(row.clone());
        }
        let text = table.trim_fmt();
        // Painted last, since the marks of colours would count as width.
        match text.split_once('\n') {
            Some((head, rest)) => format!("{}\n{}", self.paint(Paint::Heading, head), self.marked(rest)),
            None => self.paint(Paint::Heading, &text),
        }
    }

    /// The marks of checks in their colours.
    fn marked(&self, text: &str) -> String {
        text.replace('✓', &self.paint(Paint::Good, "✓")).replace('✗', &self.paint(Paint::Bad, "✗"))
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let style = match paint {
            Paint::Heading => anstyle::Style::new().bold(),
            Paint::Good => anstyle::AnsiColor::Green.on_default(),
            Paint::Bad => anstyle::AnsiColor::Red.on_default(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// What a colour says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Paint {
    Heading,
    Good,
    Bad,
}

#[cfg(test)]
mod tests {
    use super::super::{Closed, Format};
    use super::*;

    fn rows() -> Rows {
        let mut rows = Rows::new(["", "CHECK"]);
        rows.push(["✓".to_owned(), "reachable".to_owned()]);
        rows.push(["✗".to_owned(), "ключ 🥖".to_owned()]);
        rows
    }

    #[test]
    fn a_person_gets_a_table_with_colours_only_on_a_terminal_that_has_them() {
        let plain =
            Output { format: Format::Text, reader: Reader::Person, colour: false, closed: Closed::Ends };
        let table = plain.table(&rows());
        let lines: Vec<_> = table.lines().map(str::trim).collect();
        assert_eq!(lines, ["CHECK", "✓  reachable", "✗  ключ 🥖"]);
        assert!(!table.contains('\u{1b}'));
        let coloured = Output { colour: true, ..plain };
        let table = coloured.table(&rows());
        assert!(table.contains("\u{1b}[32m✓\u{1b}[0m"), "{table:?}");
        assert!(table.contains("\u{1b}[31m✗\u{1b}[0m"), "{table:?}");
        assert!(table.starts_with("\u{1b}[1m"), "{table:?}");
    }
}
