//! Maps from ids to bindings: a bindings file, in TOML or JSON, or a map in memory.

use std::path::Path;

use crate::binding::{Binding, References, read};
use crate::environment::Environment;
use crate::fault::{Fault, shown};
use crate::node::Node;
use crate::variables::{self, share_variable};

/// How many ids an error lists.
const LISTED: usize = 10;

/// Bindings by id, as they are written.
pub(crate) struct Entries {
    place: String,
    nodes: Vec<(String, Node)>,
}

impl Entries {
    /// Reads a bindings file.
    ///
    /// It is read anew for each binding that is opened: it is small, and each is opened once.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Fault> {
        // Neither shows the path, which may be a binding that was put where a path belongs.
        if path.to_string_lossy().contains("://") {
            return Err(Fault::new("a bindings file is named by its path, not by a URL"));
        }
        let parse = match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("toml") => Node::from_toml,
            Some(extension) if extension.eq_ignore_ascii_case("json") => Node::from_json,
            _ => return Err(Fault::new("the path of a bindings file must end in .toml or .json")),
        };
        let place = format!("the bindings file {}", path.display());
        let text = std::fs::read(path).map_err(|error| {
            Fault::new(format!("{place} cannot be read ({})", error.kind())).with_source(error)
        })?;
        let text = String::from_utf8(text).map_err(|_| Fault::new(format!("{place} is not UTF-8")))?;
        match parse(&text).map_err(|fault| fault.at(&place))? {
            Node::Object(nodes) => Ok(Self { place, nodes }),
            other => Err(Fault::new(format!("{place} holds {}; it must map ids to bindings", other.kind()))),
        }
    }

    pub(crate) fn of_map(map: &[(String, String)]) -> Self {
        let nodes = map.iter().map(|(id, text)| (id.clone(), Node::Text(text.clone()))).collect();
        Self { place: "the map of bindings".to_owned(), nodes }
    }

    /// The binding of an id, if there is one.
    pub(crate) fn binding(&mut self, id: &str, environment: &Environment) -> Result<Option<Binding>, Fault> {
        let Some(at) = self.nodes.iter().position(|(entry, _)| entry == id) else { return Ok(None) };
        let (_, node) = self.nodes.swap_remove(at);
        for (other, _) in &self.nodes {
            if other == id {
                return Err(Fault::new(format!("{id:?} is there twice")).at(&self.place));
            }
            // Refused here as well, so that what works with a file works with variables.
            if share_variable(other, id) {
                return Err(meets(id, other).at(&self.place));
            }
        }
        let place = format!("{id:?} in {}", self.place);
        read(node, References::Env, environment).map(Some).map_err(|fault| fault.at(&place))
    }

    /// Says that an id is not there, and what is.
    pub(crate) fn without(&self, id: &str) -> String {
        let mut listed: Vec<_> = self.nodes.iter().take(LISTED).map(|(id, _)| shown(id)).collect();
        if self.nodes.len() > LISTED {
            listed.push(format!("{} more", self.nodes.len() - LISTED));
        }
        let listed = if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") };
        format!("{} has no {id:?}: it has {listed}", self.place)
    }
}

/// The fault of two ids that one variable would have to serve.
pub(crate) fn meets(id: &str, other: &str) -> Fault {
    Fault::new(format!(
        "{id:?} and {other:?} would both be found in {}; rename one of them",
        variables::larder(id)
    ))
}
