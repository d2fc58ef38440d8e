//! `larder plan`: what `up` would do.

use clap::Args;
use larder_provision::Goal;

use super::Session;
use super::stack::{DeploymentArgs, show_plans};
use crate::exit::Exit;
use crate::failure::Outcome;

/// The arguments of `larder plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanStack {
    #[command(flatten)]
    deployment: DeploymentArgs,
}

pub(crate) async fn run(command: PlanStack, session: &Session) -> Outcome<Exit> {
    let stores = command.deployment.stores(session).await?;
    show_plans(&stores, Goal::Present, &session.output).await?;
    Ok(Exit::Done)
}
