//! `larder template`: infrastructure code for the stores of a stack.

use clap::{Args, ValueEnum};
use larder_provision::{Platform, Template};

use super::Session;
use super::stack::{PlaceArgs, StackArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// The arguments of `larder template`.
#[derive(Debug, Args)]
pub(crate) struct PrintTemplate {
    /// The language.
    #[arg(value_enum)]
    language: Language,
    #[command(flatten)]
    stack: StackArgs,
    /// Where: aws, gcp or azure; needed for terraform only.
    #[arg(long)]
    platform: Option<Platform>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// HCL, for every cloud.
    Terraform,
    /// JSON, for AWS.
    Cloudformation,
    /// For Azure.
    Bicep,
}

pub(crate) async fn run(command: PrintTemplate, session: &Session) -> Outcome<Exit> {
    let (template, own) = match command.language {
        Language::Terraform => (Template::Terraform, None),
        Language::Cloudformation => (Template::CloudFormation, Some(Platform::Aws)),
        Language::Bicep => (Template::Bicep, Some(Platform::Azure)),
    };
    let platform = command.platform.or(own);
    let platform = platform.ok_or_else(|| Failure::Usage("give --platform aws, gcp or azure".to_owned()))?;
    let target = command.place.target(platform)?;
    let code = template.render(&command.stack.stack()?, &target)?;
    session.output.bytes(code.as_bytes())?;
    Ok(Exit::Done)
}
