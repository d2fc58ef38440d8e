//! What `plan`, `up`, `down` and `template` have in common: a stack, and the place where its stores are.

use std::path::{Path, PathBuf};

use clap::Args;
use larder::Environment;
use larder_provision::{
    AwsTarget, AzureTarget, GcpTarget, Goal, LocalTarget, Plan, Platform, Stack, Step, Store, Target,
    default_patience, stores,
};
use serde::Serialize;

use super::Session;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Output};

/// The stacks that are looked for when none is named.
const DEFAULT_STACKS: [&str; 2] = ["stack.toml", "stack.json"];

/// A stack.
#[derive(Debug, Args)]
pub(crate) struct StackArgs {
    /// The stack, in TOML or JSON; stack.toml or stack.json unless told, and without either one store, `cache`.
    #[arg(long, value_name = "FILE")]
    stack: Option<PathBuf>,
}

impl StackArgs {
    pub(crate) fn stack(&self) -> Outcome<Stack> {
        if let Some(path) = &self.stack {
            return read(path);
        }
        match DEFAULT_STACKS.map(Path::new).into_iter().filter(|path| path.exists()).collect::<Vec<_>>()[..] {
            [] => Ok(Stack::default()),
            [path] => read(path),
            _ => Err(Failure::Usage(
                "stack.toml and stack.json are both here; name one with --stack".to_owned(),
            )),
        }
    }
}

/// Reads a stack. What is wrong in it was given by the caller; a file that cannot be read is something else.
fn read(path: &Path) -> Outcome<Stack> {
    if let Err(error) = std::fs::File::open(path) {
        return Err(Failure::Other(format!("{} cannot be read: {error}", path.display())));
    }
    Stack::from_file(path).map_err(|error| Failure::Usage(error.to_string()))
}

/// A place on a platform. Credentials are found as the platform's own tools find them.
#[derive(Debug, Default, Args)]
pub(crate) struct PlaceArgs {
    /// local: where each store gets a directory of its own; .larder-stores unless told.
    #[arg(long, value_name = "DIR", help_heading = "Place")]
    data_dir: Option<PathBuf>,
    /// aws: the region; AWS_REGION or AWS_DEFAULT_REGION unless told.
    #[arg(long, value_name = "REGION", help_heading = "Place")]
    region: Option<String>,
    /// aws: a profile of the shared files, which the bindings then name too.
    #[arg(long, value_name = "NAME", help_heading = "Place")]
    profile: Option<String>,
    /// gcp: the project; GOOGLE_CLOUD_PROJECT unless told.
    #[arg(long, value_name = "ID", help_heading = "Place")]
    project: Option<String>,
    /// gcp: the database; (default) unless told.
    #[arg(long, value_name = "ID", help_heading = "Place")]
    database: Option<String>,
    /// gcp: make the database in this location, if it is not there.
    #[arg(long, value_name = "LOCATION", help_heading = "Place")]
    create_database_in: Option<String>,
    /// gcp: a credentials file, which the bindings then name too.
    #[arg(long, value_name = "FILE", help_heading = "Place")]
    credentials_file: Option<String>,
    /// azure: the storage account; AZURE_STORAGE_ACCOUNT unless told.
    #[arg(long, value_name = "NAME", help_heading = "Place")]
    account: Option<String>,
    /// azure: its resource group.
    #[arg(long, value_name = "NAME", help_heading = "Place")]
    resource_group: Option<String>,
    /// azure: the variable that holds the account's key, here and where the bindings are used.
    #[arg(long, value_name = "VAR", help_heading = "Place")]
    account_key_env: Option<String>,
    /// aws, gcp, azure: another server than the platform's own.
    #[arg(long, value_name = "URL", help_heading = "Place")]
    endpoint_url: Option<String>,
}

impl PlaceArgs {
    /// The target on a platform; settings of another platform are refused.
    pub(crate) fn target(&self, platform: Platform) -> Outcome<Target> {
        self.refuse_others(platform)?;
        Ok(match platform {
            Platform::Local => Target::Local(
                self.data_dir.clone().map_or_else(LocalTarget::default, |data_dir| LocalTarget { data_dir }),
            ),
            Platform::Aws => Target::Aws(AwsTarget {
                region: required(&self.region, "--region", &["AWS_REGION", "AWS_DEFAULT_REGION"])?,
                endpoint_url: self.endpoint_url.clone(),
                profile: self.profile.clone(),
            }),
            Platform::Gcp => Target::Gcp(GcpTarget {
                project: required(&self.project, "--project", &["GOOGLE_CLOUD_PROJECT"])?,
                database: self.database.clone(),
                location: self.create_database_in.clone(),
                endpoint_url: self.endpoint_url.clone(),
                credentials_file: self.credentials_file.clone(),
            }),
            Platform::Azure => Target::Azure(AzureTarget {
                account: required(&self.account, "--account", &["AZURE_STORAGE_ACCOUNT"])?,
                resource_group: self.resource_group.clone(),
                endpoint_url: self.endpoint_url.clone(),
                account_key_variable: self.account_key_env.clone(),
            }),
            other => return Err(Failure::Usage(format!("this program makes no stores on {other}"))),
        })
    }

    fn refuse_others(&self, platform: Platform) -> Outcome<()> {
        let clouds = [Platform::Aws, Platform::Gcp, Platform::Azure];
        let given: [(&str, bool, &[Platform]); 11] = [
            ("--data-dir", self.data_dir.is_some(), &[Platform::Local]),
            ("--region", self.region.is_some(), &[Platform::Aws]),
            ("--profile", self.profile.is_some(), &[Platform::Aws]),
            ("--project", self.project.is_some(), &[Platform::Gcp]),
            ("--database", self.database.is_some(), &[Platform::Gcp]),
            ("--create-database-in", self.create_database_in.is_some(), &[Platform::Gcp]),
            ("--credentials-file", self.credentials_file.is_some(), &[Platform::Gcp]),
            ("--account", self.account.is_some(), &[Platform::Azure]),
            ("--resource-group", self.resource_group.is_some(), &[Platform::Azure]),
            ("--account-key-env", self.account_key_env.is_some(), &[Platform::Azure]),
            ("--endpoint-url", self.endpoint_url.is_some(), &clouds),
        ];
        match given.into_iter().find(|(_, is_given, of)| *is_given && !of.contains(&platform)) {
            Some((flag, ..)) => {
                Err(Failure::Usage(format!("{flag} means nothing on {platform}; leave it out")))
            }
            None => Ok(()),
        }
    }
}

fn required(given: &Option<String>, flag: &str, variables: &[&str]) -> Outcome<String> {
    let set = variables.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    given
        .clone()
        .or(set)
        .ok_or_else(|| Failure::Usage(format!("give {flag}, or set {}", variables.join(" or "))))
}

/// A stack on a platform.
#[derive(Debug, Args)]
pub(crate) struct DeploymentArgs {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Where: local, aws, gcp or azure.
    #[arg(long)]
    pub(crate) platform: Platform,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

impl DeploymentArgs {
    /// The stores of the stack, none of them made.
    pub(crate) async fn stores(&self, session: &Session) -> Outcome<Vec<Store>> {
        let target = self.place.target(self.platform)?;
        let patience = session.target.within(default_patience());
        Ok(stores(&self.stack.stack()?, &target, &Environment::process(), &patience).await?)
    }
}

/// The plans of some stores, printed.
///
/// # Errors
///
/// What is in the way of one of them, after all were printed.
pub(crate) async fn show_plans(stores: &[Store], goal: Goal, output: &Output) -> Outcome<Vec<Plan>> {
    let mut plans = Vec::new();
    for store in stores {
        plans.push(store.plan(goal).await?);
    }
    show(stores, &plans, output)?;
    for plan in &plans {
        plan.clone().without_conflict()?;
    }
    Ok(plans)
}

/// Prints plans, or what was done.
pub(crate) fn show(stores: &[Store], plans: &[Plan], output: &Output) -> Outcome<()> {
    let records = || stores.iter().zip(plans).map(|(store, plan)| PlanRecord::of(store, plan));
    match output.format {
        Format::Text => {
            let text: String = plans.iter().map(|plan| format!("{plan}\n")).collect();
            output.bytes(text.as_bytes())
        }
        Format::Json => output.json(&records().collect::<Vec<_>>()),
        Format::Ndjson => records().try_for_each(|record| output.json(&record)),
    }
}

/// A plan as JSON.
#[derive(Serialize)]
struct PlanRecord<'a> {
    id: &'a str,
    name: &'a str,
    store: &'a str,
    changes: bool,
    pending: bool,
    steps: Vec<StepRecord<'a>>,
}

#[derive(Serialize)]
struct StepRecord<'a> {
    part: &'a str,
    changes: bool,
    text: String,
}

impl<'a> PlanRecord<'a> {
    fn of(store: &'a Store, plan: &'a Plan) -> Self {
        let step = |step: &'a Step| StepRecord {
            part: step.part,
            changes: step.is_change(),
            text: step.to_string(),
        };
        Self {
            id: store.id(),
            name: store.name(),
            store: &plan.store,
            changes: plan.has_changes(),
            pending: plan.is_pending(),
            steps: plan.steps.iter().map(step).collect(),
        }
    }
}
