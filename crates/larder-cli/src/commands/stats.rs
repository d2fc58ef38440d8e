//! `larder stats`: what a store holds, in figures.

use clap::Args;
use indicatif::BinaryBytes;
use serde::Serialize;

use super::Session;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{Format, Output, Paint, Reader, Rows, escaped};
use crate::stats::cost::{Cost, Load};
use crate::stats::figures::Figures;
use crate::stats::groups::Group;
use crate::stats::histogram::Histogram;
use crate::target::Absence;

/// The arguments of `larder stats`.
#[derive(Debug, Args)]
pub(crate) struct Stats {
    /// Counts only the keys that begin with this.
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,
    /// Groups keys by what they begin with, up to this many colons.
    #[arg(long, default_value_t = 1, value_name = "COLONS", value_parser = clap::value_parser!(u8).range(1..))]
    depth: u8,
    /// How many groups to show, the largest first.
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// The reads in a second that the costs are of.
    #[arg(long, default_value_t = 1.0, value_name = "PER_SECOND", value_parser = rate)]
    reads: f64,
    /// The writes in a second that the costs are of.
    #[arg(long, default_value_t = 1.0, value_name = "PER_SECOND", value_parser = rate)]
    writes: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 0.0);
    number.ok_or_else(|| "a rate is a number of operations in a second, 0 or more".to_owned())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    entries: u64,
    key_bytes: u64,
    value_bytes: u64,
    expired: u64,
    expired_bytes: u64,
    expired_share: f64,
    unreadable: u64,
    value_sizes: &'a Histogram,
    lifetimes: &'a Histogram,
    groups: Vec<GroupRecord<'a>>,
    costs: &'a [Cost],
}

#[derive(Serialize)]
struct GroupRecord<'a> {
    prefix: &'a str,
    #[serde(flatten)]
    group: Group,
}

pub(crate) async fn run(command: Stats, session: &Session) -> Outcome<Exit> {
    let kv = session.target.target().open(Absence::Refused).await?;
    let note = |error: &larder::Error| session.output.note(&error.to_string());
    let mut figures = Figures::of(&kv, &command.prefix, command.depth.into(), note).await?;
    let empty = crate::stats::groups::Groups::new(1);
    let mut groups = std::mem::replace(&mut figures.groups, empty).largest_first();
    groups.truncate(command.top);
    let costs = figures.load.month(Load { reads: command.reads, writes: command.writes });
    match session.output.format {
        Format::Text => print(&figures, &groups, &costs, &session.output)?,
        Format::Json | Format::Ndjson => {
            let groups = groups.iter().map(|(prefix, group)| GroupRecord { prefix, group: *group });
            session.output.json(&Record {
                entries: figures.entries,
                key_bytes: figures.key_bytes,
                value_bytes: figures.value_bytes,
                expired: figures.expired,
                expired_bytes: figures.expired_bytes,
                expired_share: figures.expired_share(),
                unreadable: figures.unreadable,
                value_sizes: &figures.sizes,
                lifetimes: &figures.lifetimes,
                groups: groups.collect(),
                costs: &costs,
            })?;
        }
    }
    Ok(if figures.unreadable == 0 { Exit::Done } else { Exit::Error })
}

fn print(figures: &Figures, groups: &[(String, Group)], costs: &[Cost], output: &Output) -> Outcome<()> {
    let mut all = Rows::new(["ALL", ""]);
    all.push(["entries".to_owned(), figures.entries.to_string()]);
    all.push(["bytes of keys".to_owned(), bytes(figures.key_bytes, output)]);
    all.push(["bytes of values".to_owned(), bytes(figures.value_bytes, output)]);
    let share = figures.expired_share() * 100.0;
    all.push(["expired, not removed".to_owned(), format!("{} ({share:.1} %)", figures.expired)]);
    all.push(["unreadable".to_owned(), figures.unreadable.to_string()]);
    section(output, "all", &all)?;

    let mut rows = Rows::new(["PREFIX", "ENTRIES", "BYTES", "EXPIRED"]);
    for (prefix, group) in groups {
        rows.push([
            escaped(prefix.as_bytes()),
            group.entries.to_string(),
            bytes(group.bytes, output),
            group.expired.to_string(),
        ]);
    }
    section(output, "prefix", &rows)?;
    histogram(output, "size", ["VALUE", "ENTRIES", ""], &figures.sizes)?;
    histogram(output, "lifetime", ["LIVES", "ENTRIES", ""], &figures.lifetimes)?;

    let mut rows = Rows::new(["CLOUD", "A MONTH", "UNIT"]);
    for cost in costs {
        let digits = if cost.unit.starts_with("GB") { 3 } else { 0 };
        rows.push([cost.cloud.to_owned(), format!("{:.digits$}", cost.a_month), cost.unit.to_owned()]);
    }
    section(output, "cost", &rows)
}

fn histogram(output: &Output, name: &str, headings: [&'static str; 3], of: &Histogram) -> Outcome<()> {
    let mut rows = Rows::new(headings);
    for row in of.rows() {
        rows.push(row);
    }
    section(output, name, &rows)
}

/// A table for a person; for a program lines that begin with the name of the section.
fn section(output: &Output, name: &str, rows: &Rows) -> Outcome<()> {
    if rows.is_empty() {
        return Ok(());
    }
    match output.reader {
        Reader::Person => {
            output.rows(rows)?;
            output.line(&output.paint(Paint::Heading, ""))
        }
        Reader::Program => output.rows(&rows.clone().with_first(name)),
    }
}

fn bytes(count: u64, output: &Output) -> String {
    match output.reader {
        Reader::Person => BinaryBytes(count).to_string(),
        Reader::Program => count.to_string(),
    }
}
