//! `larder copy`: streams a store, or a prefix of it, into another.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use larder::Kv;

use super::Session;
use crate::clock::{self, HeldClock};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::moving::behind;
use crate::moving::compare::{Difference, compare};
use crate::moving::destination::refuse_within;
use crate::moving::pace::Pace;
use crate::moving::pipeline::{self, Summary};
use crate::moving::place::Place;
use crate::moving::position::{Identity, Position, Stage, Start};
use crate::moving::progress::{Progress, ProgressMode};
use crate::moving::tally::Tally;
use crate::moving::writer::{Existing, ExistingArgs, Writer, holds_entries};
use crate::output::{Format, escaped};
use crate::target::Absence;

/// The cursor file of a copy that names none.
const CURSOR_FILE: &str = ".larder-copy.json";

/// The arguments of `larder copy`.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The store to read: a binding's name, or a URL.
    from: String,
    /// The store to write: a binding's name, or a URL.
    to: String,
    /// Copies only the keys that begin with this.
    #[arg(long, default_value = "", value_name = "PREFIX", hide_default_value = true)]
    prefix: String,
    #[command(flatten)]
    existing: ExistingArgs,
    /// The most entries to write in a second.
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Compares both sides at the end, and reports differences.
    #[arg(long)]
    verify: bool,
    /// Where to write down how far the copy has come. The same command goes on from there after a kill.
    #[arg(long, value_name = "FILE", default_value = CURSOR_FILE)]
    cursor: PathBuf,
    /// Counts the entries first, so that the bar can say how long it takes. It costs a scan of the keys.
    #[arg(long)]
    count: bool,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    progress: ProgressMode,
}

pub(crate) async fn run(command: Copy, session: &Session) -> Outcome<Exit> {
    if session.target.is_given() {
        return Err(Failure::Usage(
            "copy takes its two stores as FROM and TO, and no --binding or --url beside them".to_owned(),
        ));
    }
    let started = Instant::now();
    let existing = command.existing.existing();
    let (from, to) = (session.target.named(&command.from), session.target.named(&command.to));
    // Both are checked before any of them is opened.
    let (to_binding, from_binding) = (to.binding()?, from.binding()?);
    for binding in [&from_binding, &to_binding] {
        refuse_within(&command.cursor, binding)?;
    }
    Position::try_place(&command.cursor)?;
    let source = from.open(Absence::Refused).await?;
    let target = to.open(Absence::Made).await?;
    // The directory of the target is there by now, so that its place is the same from the first run on.
    let (from, to) = (Place::of(&from_binding), Place::of(&to_binding));
    if from.overlaps(&to) {
        return Err(Failure::Usage("FROM and TO are one store: a copy would read what it writes".to_owned()));
    }
    let identity = Identity { from: from.text(), to: to.text(), prefix: command.prefix.clone(), existing };
    let mut position = Position::open(&command.cursor, identity)?;
    if position.stage() == Stage::Copied && existing != Existing::Refused {
        // What was written to the source since then is to come over too.
        session.output.note(&format!(
            "the copy in {}{} was complete, but for its end: it is begun anew",
            command.cursor.display(),
            written_ago(&position)
        ));
        position.begin_anew();
    }
    let counts = command.count && position.stage() == Stage::Copying;
    let total = if counts { Some(pipeline::count(&source, &command.prefix).await?) } else { None };
    match position.start() {
        Start::Anew => {
            existing.check(&target, &command.prefix).await?;
            // From here on the target may hold entries of this copy.
            position.save()?;
        }
        Start::Resumed => go_on(&source, &target, &position, &command, session).await?,
    }
    if position.stage() == Stage::Copying {
        carry(&command, total, &source, &target, &mut position, session).await?;
    }
    let differences = if command.verify {
        Some(verify(&source, &target, &command.prefix, existing, session).await?)
    } else {
        None
    };
    let tally = position.finish()?;
    summarize(tally, differences, started, session)
}

/// Says how far a copy has come that is gone on with, once the target is found to be as it left it.
async fn go_on(
    source: &Kv,
    target: &Kv,
    position: &Position,
    command: &Copy,
    session: &Session,
) -> Outcome<()> {
    refuse_emptied(target, position, command).await?;
    let file = command.cursor.display();
    let (ago, tally) = (written_ago(position), position.tally.shown());
    session.output.note(&match position.stage() {
        Stage::Copying => {
            // With --overwrite and --skip-existing nobody has said that the target is the copy's alone.
            if command.existing.existing() == Existing::Refused
                && behind::holds_others(source, target, &command.prefix, position.cursor.clone()).await?
            {
                return Err(Failure::Other(format!(
                    "{} holds an entry, where the copy in {file}{ago} was to go on, that is not the source's: somebody \
                     else has written to one of them since then; remove {file}, and copy with --overwrite, which replaces \
                     such entries, or --skip-existing, which keeps them",
                    target.describe()
                )));
            }
            format!("going on with the copy in {file}{ago}, which has come to {tally}")
        }
        Stage::Copied if command.verify => {
            format!("going on with the copy in {file}{ago}, which has come to {tally}: all is compared, and nothing copied")
        }
        Stage::Copied => format!(
            "the copy in {file}{ago} was complete already, with {tally}: nothing was copied now; copy again with \
             --overwrite if the source has changed"
        ),
    });
    Ok(())
}

/// When the cursor file was written, in the middle of a sentence.
fn written_ago(position: &Position) -> String {
    let age = position.age().map(humantime::format_duration);
    age.map_or(String::new(), |age| format!(", written {age} ago"))
}

/// Refuses to go on where what has been carried over is gone: the rest alone would be no copy.
async fn refuse_emptied(target: &Kv, position: &Position, command: &Copy) -> Outcome<()> {
    if !position.is_in_target(clock::now()) || holds_entries(target, &command.prefix).await? {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "{} holds nothing of the {} that were copied into it, as {file} says: see that it is the same store (is its disk \
         mounted?), or remove {file} to begin anew",
        target.describe(),
        position.tally.shown(),
        file = command.cursor.display()
    )))
}

async fn carry(
    command: &Copy,
    total: Option<u64>,
    source: &Kv,
    target: &Kv,
    position: &mut Position,
    session: &Session,
) -> Outcome<()> {
    let existing = command.existing.existing();
    let progress = Progress::new(command.progress, total, &position.tally);
    let writer = Writer::new(target.clone(), existing, Pace::new(command.rate));
    let copied = pipeline::run(source, &command.prefix, writer, position, &progress).await;
    progress.end();
    if copied.is_err() && command.cursor.exists() {
        session.output.note(&format!(
            "the copy has stopped at {}: the same command goes on from there, by {}",
            position.tally.shown(),
            command.cursor.display()
        ));
    }
    copied.map_err(Failure::midway)
}

/// Compares both sides, and prints each difference on a line of its own.
async fn verify(
    source: &Kv,
    target: &Kv,
    prefix: &str,
    existing: Existing,
    session: &Session,
) -> Outcome<u64> {
    let mut differences = 0;
    compare(source, target, prefix, &HeldClock, |difference, key| {
        // A target that was not empty may hold more.
        if difference == Difference::Extra && existing != Existing::Refused {
            return Ok(());
        }
        differences += 1;
        match session.output.format {
            Format::Text => {
                session.output.line(&format!("{}\t{}", difference.as_str(), escaped(key.as_bytes())))
            }
            Format::Json | Format::Ndjson => session.output.json_line(&DifferenceRecord { difference, key }),
        }
    })
    .await?;
    Ok(differences)
}

#[derive(Debug, serde::Serialize)]
struct DifferenceRecord<'a> {
    difference: Difference,
    key: &'a str,
}

fn summarize(tally: Tally, differences: Option<u64>, started: Instant, session: &Session) -> Outcome<Exit> {
    match session.output.format {
        Format::Text => {
            let seconds = started.elapsed().as_secs_f64();
            let verified = match differences {
                None => String::new(),
                Some(0) => "; both sides are the same".to_owned(),
                Some(1) => "; 1 difference".to_owned(),
                Some(count) => format!("; {count} differences"),
            };
            session.output.line(&format!("copied {} in {seconds:.1} s{verified}", tally.shown()))?;
        }
        Format::Json | Format::Ndjson => session.output.json_line(&Summary { tally, differences })?,
    }
    let is_whole = tally.unreadable == 0 && differences.unwrap_or(0) == 0;
    Ok(if is_whole { Exit::Done } else { Exit::Error })
}
