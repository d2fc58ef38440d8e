//! `larder up`: makes the stores of a stack, and writes their bindings.

use std::path::PathBuf;

use clap::Args;
use larder_provision::{BindingsForm, Goal, Plan, Written, write_bindings};

use super::stack::{DeploymentArgs, show, show_plans};
use super::{Session, ask};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

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
    let stores = command.deployment.stores().await?;
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
    write_bindings(&command.bindings, &text)?;
    if changes {
        eprintln!("Done:");
        show(&stores, &done, &session.output)?;
    }
    eprintln!("{}", usage(form, &command.bindings.display().to_string()));
    Ok(Exit::Done)
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
