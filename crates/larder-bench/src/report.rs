//! The results, for people and for programs.

use serde::Serialize;

/// One comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) suite: &'static str,
    pub(crate) case: String,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    pub(crate) unit: &'static str,
    /// `ours / theirs`.
    pub(crate) ratio: f64,
    /// What was to be reached; nothing where the other side is there for orientation.
    pub(crate) goal: &'static str,
    pub(crate) reached: Option<bool>,
}

/// The results in columns.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![[
        "suite".to_owned(),
        "case".to_owned(),
        "ours".to_owned(),
        "theirs".to_owned(),
        "unit".to_owned(),
        "ratio".to_owned(),
        "goal".to_owned(),
        "reached".to_owned(),
    ]];
    lines.extend(rows.iter().map(|row| {
        [
            row.suite.to_owned(),
            row.case.clone(),
            format!("{:.1}", row.ours),
            format!("{:.1}", row.theirs),
            row.unit.to_owned(),
            format!("{:.2}", row.ratio),
            row.goal.to_owned(),
            row.reached.map_or("", |reached| if reached { "yes" } else { "NO" }).to_owned(),
        ]
    }));
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 8] = std::array::from_fn(width);
    let mut out = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            out.push_str(&format!("{cell:<width$}  "));
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}
