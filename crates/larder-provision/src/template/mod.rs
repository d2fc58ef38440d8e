//! Infrastructure code that makes what the provisioners make, from one description.

mod bicep;
mod cloudformation;
mod description;
mod terraform;

use larder::{Error, ErrorKind, Result};

use self::description::Description;
#[cfg(feature = "aws")]
pub(crate) use self::description::tags;
use crate::stack::Stack;
use crate::target::Target;

/// A language of infrastructure code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Template {
    /// HCL, for every cloud.
    Terraform,
    /// JSON, for AWS.
    CloudFormation,
    /// For Azure.
    Bicep,
}

impl Template {
    /// The code that makes the stores of a stack, with a role of the least privilege for each. Asks nobody anything.
    ///
    /// What it does not make is the layout record, which the first use writes, with 16 shards: a stack that asks for other
    /// numbers is told so in a comment.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a language that the platform does not have; `NotConfigured` for settings of the target that make
    /// no binding.
    pub fn render(self, stack: &Stack, target: &Target) -> Result<String> {
        match (self, Description::of(stack, target)?) {
            (Self::Terraform, description) => Ok(terraform::render(&description)),
            (Self::CloudFormation, Description::Aws(tables)) => cloudformation::render(&tables),
            (Self::Bicep, Description::Azure(account)) => Ok(bicep::render(&account)),
            (Self::CloudFormation, _) => Err(wrong("CloudFormation", "aws", target)),
            (Self::Bicep, _) => Err(wrong("Bicep", "azure", target)),
        }
    }
}

fn wrong(language: &str, platform: &str, target: &Target) -> Error {
    let message = match target.platform() {
        crate::Platform::Local => format!("{language} is for {platform}; what is local, `up` makes"),
        other => format!("{language} is for {platform}; for {other} there is terraform"),
    };
    Error::new(ErrorKind::InvalidInput, message)
}
