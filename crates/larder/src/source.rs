//! Where bindings are found.

use std::path::{Path, PathBuf};

use crate::binding::{Binding, LocalKv, References, read};
use crate::entries::Entries;
use crate::environment::Environment;
use crate::fault::Fault;
use crate::node::Node;
use crate::variables;

/// Where bindings are found.
#[derive(Clone)]
pub(crate) enum Source {
    /// Variables, and the file that one of them names.
    Environment,
    /// A file.
    File(PathBuf),
    /// Texts by id.
    Map(Vec<(String, String)>),
    /// Every id is a namespace in the store in this directory.
    Local(PathBuf),
}

impl Source {
    /// The binding of an id.
    pub(crate) fn find(&self, id: &str, environment: &Environment) -> Result<Binding, Fault> {
        match self {
            Self::Environment => find_in_environment(id, environment),
            Self::File(path) => find_in(Entries::of_file(path)?, id, environment),
            Self::Map(map) => find_in(Entries::of_map(map), id, environment),
            Self::Local(dir) => Ok(Binding::LocalKv(LocalKv::namespace_in(dir.clone(), id))),
        }
    }
}

fn find_in(mut entries: Entries, id: &str, environment: &Environment) -> Result<Binding, Fault> {
    let found = entries.binding(id, environment)?;
    found.ok_or_else(|| Fault::new(format!("no binding: {}", entries.without(id))))
}

fn find_in_environment(id: &str, environment: &Environment) -> Result<Binding, Fault> {
    let (larder, alien) = (variables::larder(id), variables::alien(id));
    let places = [(&larder, References::Env), (&alien, References::EnvOrEnvRef)];
    for (variable, references) in places {
        if let Some(text) = text(variable, environment)? {
            return read(Node::Text(text), references, environment).map_err(|fault| fault.at(variable));
        }
    }
    let not_set = format!("no binding: {larder} and {alien} are not set");
    let file = variables::BINDINGS_FILE;
    let Some(path) = text(file, environment)? else {
        return Err(Fault::new(format!(
            "{not_set}, and neither is {file}, which names a bindings file (.toml or .json)"
        )));
    };
    let mut entries = Entries::of_file(Path::new(&path)).map_err(|fault| fault.at(file))?;
    let found = entries.binding(id, environment).map_err(|fault| fault.at(file))?;
    found.ok_or_else(|| Fault::new(format!("{not_set}, and {} ({file})", entries.without(id))))
}

fn text(variable: &str, environment: &Environment) -> Result<Option<String>, Fault> {
    let value = environment.get(variable).map(|value| value.into_string());
    value.transpose().map_err(|_| Fault::new(format!("{variable} is not UTF-8")))
}
