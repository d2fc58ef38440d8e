//! `larder up`: makes the stores of a stack, and writes their bindings.

use std::path::PathBuf;

use clap::Args;
use larder_provision::{BindingsForm, Goal, Plan, Written, write_bindings};

use super::stack::{DeploymentArgs, show, show_plans};
use super::{Session, ask};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::moving::destination::refuse_within;

/// The arguments of `larder up`.
#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    deployment: DeploymentArgs,
    /// Where the bindings are written, for the owner's eyes only; the name ends in .toml or .json for a bindings file, in
    /// .env for variables, in .yaml for a Secret of Kubernetes.
    #[arg(long, value_name = "FILE", default_value = "bindings.toml")]
    bindings: PathBuf,
    /// Carries the plan out without asking.
    #[arg(long, short)]
    yes: bool,
}

pub(crate) async fn run(command: Up, session: &Session) -> Outcome<Exit> {
    let form = BindingsForm::of_path(&command.bindings)?;
    let stores = command.deployment.stores(session).await?;
    for store in &stores {
        // The library has made it, so that it reads as what it is.
        let binding = session.target.at(&store.binding().to_string()).binding()?;
        refuse_within(&command.bindings, &binding)?;
    }
    let text = form.render(&stores)?;
    let plans = show_plans(&stores, Goal::Present, &session.output).await?;
    let file = Written::of(&command.bindings, &text)?;
    let shown = command.bindings.display();
    match file {
        Written::New => eprintln!("+ bindings: {shown}"),
        Written::Replaced => eprintln!("~ bindings: {shown} says something else, and is replaced"),
        Written::Unchanged => eprintln!("= bindings: {shown}"),
    }
    let changes = plans.iter().any(Plan::has_changes) || file != Written::Unchanged;
    if changes && !command.yes {
        confirm()?;
    }
    let mut done = Vec::new();
    for store in &stores {
        done.push(store.apply().await?);
    }
    if changes || done.iter().any(|done| !done.is_usable()) {
        eprintln!("Done:");
        show(&stores, &done, &session.output)?;
    }
    refuse_unfinished(&done)?;
    write_bindings(&command.bindings, &text)?;
    eprintln!("{}", usage(form, &command.bindings.display().to_string()));
    Ok(Exit::Done)
}

/// Refuses to hand out bindings of a store without a layout record: its first user would settle the shards.
fn refuse_unfinished(done: &[Plan]) -> Outcome<()> {
    let unfinished: Vec<_> =
        done.iter().filter(|done| !done.is_usable()).map(|done| done.store.as_str()).collect();
    if unfinished.is_empty() {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "not ready yet: {}; no bindings were written: run the same command again",
        unfinished.join(", ")
    )))
}

fn confirm() -> Outcome<()> {
    if !ask::is_possible() {
        let message =
            "there is no terminal to ask on: look at the plan above, and give --yes to carry it out";
        return Err(Failure::Usage(message.to_owned()));
    }
    match ask::ask("Carry this out? [y/N]")?.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Other("nothing was changed".to_owned())),
    }
}

fn usage(form: BindingsForm, file: &str) -> String {
    match form {
        BindingsForm::Env => format!("Services find their stores by: set -a; . {file}"),
        BindingsForm::Kubernetes => {
            format!("Services find their stores by: kubectl apply -f {file}, and envFrom")
        }
        _ => format!("Services find their stores by: LARDER_BINDINGS={file}"),
    }
}

#[cfg(test)]
mod tests {
    use larder_provision::Step;

    use super::*;

    #[test]
    fn a_store_that_is_not_ready_keeps_the_bindings_back_and_is_named() {
        let ready = Plan::new("table a", vec![Step::keep("layout record", "there")]);
        let unready = Plan::new("table b", vec![Step::pending("table", "is not ready yet")]);
        assert!(refuse_unfinished(std::slice::from_ref(&ready)).is_ok());
        let refused = refuse_unfinished(&[ready, unready]).expect_err("not ready");
        assert_eq!(refused.exit(), Exit::Error);
        assert!(refused.to_string().starts_with("not ready yet: table b; no bindings"), "{refused}");
    }
}
