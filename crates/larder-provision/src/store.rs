//! The stores of a stack: each a resource with its binding and its provisioner.

use std::fmt;

use larder::{Binding, Bindings, Environment, Error, ErrorKind, Result, RetryPolicy};
use larder_core::provision::{Goal, Plan, Provisioner, Step};
use serde_json::Value;

use crate::platform::Platform;
use crate::platforms;
use crate::stack::{Protection, Resource, Stack};
use crate::target::Target;

/// A resource's store on a platform.
pub struct Store {
    id: String,
    binding: Value,
    notes: Vec<Step>,
    provisioner: Box<dyn Provisioner>,
}

/// The stores of a stack, in its order. Nothing is made, and only credentials are looked for.
///
/// The bindings are read as services read them before anything else, so that what is written in the end can be loaded.
/// `environment` is where the variables are looked up that bindings name; `patience` says how long each request is tried, and
/// each thing waited for that a cloud does in its own time.
///
/// # Errors
///
/// `NotConfigured` for settings of the target that make no binding; `Unsupported` for a platform that is not compiled in;
/// else what keeps a driver from being opened.
pub async fn stores(
    stack: &Stack,
    target: &Target,
    environment: &Environment,
    patience: &RetryPolicy,
) -> Result<Vec<Store>> {
    let mut stores = Vec::new();
    for resource in stack.resources() {
        let store = Box::pin(store(resource, target, environment, patience));
        stores.push(store.await.map_err(|error| error.with_binding(resource.id.as_str()))?);
    }
    Ok(stores)
}

async fn store(
    resource: &Resource,
    target: &Target,
    environment: &Environment,
    patience: &RetryPolicy,
) -> Result<Store> {
    let text = target.binding(&resource.id)?;
    let bindings = Bindings::from_map([(resource.id.as_str(), text.to_string())]);
    let binding = bindings.with_environment(environment.clone()).binding(&resource.id)?;
    let provisioner = provisioner(resource, target, binding, patience).await?;
    Ok(Store {
        id: resource.id.clone(),
        binding: text,
        notes: notes(resource, target.platform()),
        provisioner,
    })
}

async fn provisioner(
    resource: &Resource,
    target: &Target,
    binding: Binding,
    patience: &RetryPolicy,
) -> Result<Box<dyn Provisioner>> {
    // Not every build and every platform has a use for them.
    let _ = (resource, patience);
    match (target, binding) {
        #[cfg(feature = "local")]
        (Target::Local(_), Binding::LocalKv(binding)) => platforms::local::provisioner(binding),
        #[cfg(feature = "aws")]
        (Target::Aws(_), Binding::DynamoDb(binding)) => {
            platforms::aws::provisioner(resource, binding, patience).await
        }
        #[cfg(feature = "gcp")]
        (Target::Gcp(target), Binding::Firestore(binding)) => {
            platforms::gcp::provisioner(target, binding, patience).await
        }
        #[cfg(feature = "azure")]
        (Target::Azure(_), Binding::TableStorage(binding)) => {
            platforms::azure::provisioner(resource, binding, patience).await
        }
        (target, _) => {
            let message = format!(
                "this build makes no stores on {0} (feature {0:?}); compiled in: {1}",
                target.platform().as_str(),
                platforms::COMPILED_IN.join(", ")
            );
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

/// What was asked for and the platform has not.
fn notes(resource: &Resource, platform: Platform) -> Vec<Step> {
    let mut notes = Vec::new();
    if resource.protection != Protection::AsIs && platform != Platform::Aws {
        notes.push(Step::leave("deletion protection", format!("{platform} has none for one store")));
    }
    if resource.shards != 16 && matches!(platform, Platform::Local | Platform::Gcp) {
        notes.push(Step::leave("shards", format!("a store on {platform} has one, and needs no more")));
    }
    notes
}

impl Store {
    /// The resource's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The store's name on the platform, which its removal wants to hear again.
    pub fn name(&self) -> &str {
        self.provisioner.name()
    }

    /// The binding that services find it by. It holds no secret.
    pub fn binding(&self) -> &Value {
        &self.binding
    }

    /// What there is, and what it would take to reach the goal. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Provisioner::plan`].
    pub async fn plan(&self, goal: Goal) -> Result<Plan> {
        let plan = self.provisioner.plan(goal).await.map_err(|error| self.named(error))?;
        Ok(if goal == Goal::Present { self.noted(plan) } else { plan })
    }

    /// Makes the store, or mends what differs. Returns what was done.
    ///
    /// # Errors
    ///
    /// As [`Provisioner::apply`].
    pub async fn apply(&self) -> Result<Plan> {
        Ok(self.noted(self.provisioner.apply().await.map_err(|error| self.named(error))?))
    }

    /// Removes the store and all that is in it, if `name` is the store's own.
    ///
    /// # Errors
    ///
    /// As [`Provisioner::destroy`].
    pub async fn destroy(&self, name: &str) -> Result<Plan> {
        self.provisioner.destroy(name).await.map_err(|error| self.named(error))
    }

    fn noted(&self, mut plan: Plan) -> Plan {
        plan.steps.extend(self.notes.iter().cloned());
        plan
    }

    fn named(&self, error: Error) -> Error {
        error.with_binding(self.id.as_str())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("id", &self.id)
            .field("provisioner", &self.provisioner)
            .finish_non_exhaustive()
    }
}
