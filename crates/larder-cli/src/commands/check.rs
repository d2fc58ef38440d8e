//! `larder check`: says whether a store can be used, and what to do if not.

use clap::Args;
use serde::Serialize;

use super::Session;
use crate::care::finding::{Finding, Status};
use crate::care::permissions::{self, Depth};
use crate::care::store::Settled;
use crate::care::{removal, store};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Reader, Rows};
use crate::target::Absence;

/// The arguments of `larder check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Writes nothing, for credentials that may only read.
    #[arg(long)]
    read_only: bool,
}

#[derive(Serialize)]
struct Record<'a> {
    good: bool,
    checks: &'a [Finding],
}

pub(crate) async fn run(command: Check, session: &Session) -> Outcome<Exit> {
    let target = session.target.target();
    let binding = target.binding()?;
    let mut findings = vec![Finding::good("binding", format!("found, of {}", binding.service()))];
    match target.open(Absence::Refused).await {
        Ok(kv) => {
            let (settled, seen) = store::look(&kv).await;
            findings.extend(seen);
            if settled == Settled::NotYet {
                findings.extend(permissions::unseen());
            } else if findings.iter().all(|finding| finding.status != Status::Bad) {
                let depth = if command.read_only { Depth::Reads } else { Depth::Writes };
                findings.extend(permissions::look(&kv, depth).await);
            }
        }
        Err(Failure::Store(error)) => findings.push(Finding::failed("reachable", &error)),
        Err(failure) => return Err(failure),
    }
    findings.push(match findings.iter().all(|finding| finding.status != Status::Bad) {
        true => removal::look(&binding, &session.target.policy()).await,
        false => removal::unseen(&binding),
    });
    let good = findings.iter().all(|finding| finding.status != Status::Bad);
    print(&findings, good, session)?;
    Ok(if good { Exit::Done } else { Exit::Error })
}

fn print(findings: &[Finding], good: bool, session: &Session) -> Outcome<()> {
    if session.output.format != Format::Text {
        return session.output.json(&Record { good, checks: findings });
    }
    let mut rows = Rows::new(["", "CHECK", "FOUND", "WHAT TO DO"]);
    for finding in findings {
        let status = match session.output.reader {
            Reader::Person => finding.status.mark(),
            Reader::Program => finding.status.word(),
        };
        rows.push([
            status.to_owned(),
            finding.check.to_owned(),
            finding.detail.clone(),
            finding.advice.clone().unwrap_or_default(),
        ]);
    }
    session.output.rows(&rows)
}
