//! `larder down`: removes the stores of a stack.

use clap::Args;
use larder_provision::{Goal, Plan, Store};

use super::stack::{DeploymentArgs, show, show_plans};
use super::{Session, ask};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// The arguments of `larder down`.
#[derive(Debug, Args)]
pub(crate) struct Down {
    #[command(flatten)]
    deployment: DeploymentArgs,
    /// The name of a store that is to be removed, as the plan shows it; once for each. Without it, the terminal is asked.
    #[arg(long, value_name = "NAME")]
    confirm: Vec<String>,
}

pub(crate) async fn run(command: Down, session: &Session) -> Outcome<Exit> {
    let stores = command.deployment.stores(session).await?;
    if let Some(name) = command.confirm.iter().find(|name| stores.iter().all(|store| store.name() != **name))
    {
        let names: Vec<_> = stores.iter().map(Store::name).collect();
        let message = format!("{name:?} is none of the stack's stores: they are {}", names.join(", "));
        return Err(Failure::Usage(message));
    }
    let plans = show_plans(&stores, Goal::Absent, &session.output).await?;
    // All of them before the first is removed.
    let mut names = Vec::new();
    for (store, plan) in stores.iter().zip(&plans) {
        names.push(confirmed(store, plan, &command.confirm)?);
    }
    let mut done = Vec::new();
    for ((store, name), plan) in stores.iter().zip(names).zip(plans) {
        done.push(match name {
            Some(name) => store.destroy(&name).await?,
            None => plan,
        });
    }
    if done.iter().any(Plan::has_changes) {
        eprintln!("Done:");
        show(&stores, &done, &session.output)?;
    }
    refuse_unfinished(&done)?;
    Ok(Exit::Done)
}

/// A store that the platform is still removing is there, to whoever makes one of that name next.
fn refuse_unfinished(done: &[Plan]) -> Outcome<()> {
    let unfinished: Vec<_> =
        done.iter().filter(|done| done.is_pending()).map(|done| done.store.as_str()).collect();
    if unfinished.is_empty() {
        return Ok(());
    }
    Err(Failure::Other(format!("not removed yet: {}; run the same command again", unfinished.join(", "))))
}

/// The name that was said for a store; `None` when there is nothing to remove.
fn confirmed(store: &Store, plan: &Plan, given: &[String]) -> Outcome<Option<String>> {
    if !plan.has_changes() {
        return Ok(None);
    }
    let name = store.name();
    if given.iter().any(|given| given == name) {
        return Ok(Some(name.to_owned()));
    }
    if !ask::is_possible() {
        let message = format!(
            "nothing was removed: there is no terminal to ask on; give --confirm {name} to remove {name}"
        );
        return Err(Failure::Usage(message));
    }
    // The library compares it.
    ask::ask(&format!("{} and all that is in it is removed for good. Type {name} to go on:", plan.store))
        .map(Some)
}

#[cfg(test)]
mod tests {
    use larder_provision::Step;

    use super::*;

    #[test]
    fn a_removal_that_is_not_done_is_an_error_that_names_the_store() {
        let gone = Plan::new("table a", vec![Step::keep("table", "is not there")]);
        let going = Plan::new("table b", vec![Step::pending("table", "is being removed")]);
        assert!(refuse_unfinished(std::slice::from_ref(&gone)).is_ok());
        let refused = refuse_unfinished(&[gone, going]).expect_err("not removed");
        assert_eq!(refused.exit(), Exit::Error);
        assert!(refused.to_string().starts_with("not removed yet: table b; run"), "{refused}");
    }
}
