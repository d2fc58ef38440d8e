//! From text to a checked binding.

use super::url::read_url;
use super::{Binding, Fields};
use crate::environment::Environment;
use crate::fault::{Fault, shown};
use crate::node::Node;
use crate::service::{SERVICES, Service};

/// Which ways of naming a variable a binding may use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum References {
    /// `{"env":"VAR"}`.
    Env,
    /// Also `{"envRef":"VAR"}`, which the platform behind `ALIEN_*_BINDING` writes.
    EnvOrEnvRef,
}

/// Reads a binding: an object, or text that is JSON or a URL.
pub(crate) fn read(node: Node, references: References, environment: &Environment) -> Result<Binding, Fault> {
    let resolver = Resolver { references, environment };
    match node {
        Node::Object(members) => read_object(members, &resolver),
        Node::Text(text) => read_text(text.trim(), &resolver),
        Node::Other(kind) => {
            Err(Fault::new(format!("the binding is {kind}; a binding is an object or a URL")))
        }
    }
}

fn read_text(text: &str, resolver: &Resolver<'_>) -> Result<Binding, Fault> {
    if text.is_empty() {
        return Err(Fault::new("the binding is empty; give an object or a URL, or leave it out"));
    }
    if !text.starts_with('{') {
        return read_url(text);
    }
    match Node::from_json(text)? {
        Node::Object(members) => read_object(members, resolver),
        // Text that begins with a brace is an object or no JSON.
        other => Err(Fault::new(format!("the binding is {}; it must be an object", other.kind()))),
    }
}

fn read_object(mut members: Vec<(String, Node)>, resolver: &Resolver<'_>) -> Result<Binding, Fault> {
    let place = members.iter().position(|(name, _)| name == "service");
    let Some(place) = place else {
        return Err(Fault::new(format!("service is missing; known are {}", Service::names())));
    };
    let (_, service) = members.remove(place);
    let service = resolver.service(service)?;
    let mut fields = Fields::new(service.fields);
    // A wrong name comes before all else: it is what the faults of other fields are most often due to.
    for (name, _) in &members {
        if name == "service" {
            return Err(Fault::new("service is given twice"));
        }
        fields.known(name)?;
    }
    for (name, node) in members {
        let name = fields.known(&name)?;
        let (value, from) = resolver.text(name, node)?;
        fields.set(name, value, &from)?;
    }
    (service.read)(fields)
}

struct Resolver<'a> {
    references: References,
    environment: &'a Environment,
}

impl Resolver<'_> {
    fn service(&self, node: Node) -> Result<&'static Service, Fault> {
        let is_literal = matches!(node, Node::Text(_));
        let (name, from) = self.text("service", node)?;
        SERVICES.iter().find(|service| service.name() == name).ok_or_else(|| {
            let name = if is_literal {
                format!("the service {}", shown(&name))
            } else {
                format!("the service{from}")
            };
            Fault::new(format!("{name} is unknown; known are {}", Service::names()))
        })
    }

    /// A field's text, and how it came there.
    fn text(&self, name: &str, node: Node) -> Result<(String, String), Fault> {
        match node {
            Node::Text(text) => Ok((text, String::new())),
            Node::Object(members) => {
                let variable = self.variable(name, members)?;
                let from = format!(" (from the variable {})", shown(&variable));
                Ok((self.value(name, &variable)?, from))
            }
            Node::Other(kind) => Err(Fault::new(format!("{name} is {kind}; {}", self.forms()))),
        }
    }

    fn variable(&self, name: &str, members: Vec<(String, Node)>) -> Result<String, Fault> {
        let mut members = members.into_iter();
        match (members.next(), members.next()) {
            (Some((key, Node::Text(variable))), None) if key == "env" => Ok(variable),
            (Some((key, Node::Text(variable))), None) if key == "envRef" => match self.references {
                References::EnvOrEnvRef => Ok(variable),
                References::Env => {
                    Err(Fault::new(format!(r#"{name} is an "envRef"; here that is {{"env":"VAR"}}"#)))
                }
            },
            _ => Err(Fault::new(format!("{name} is an object; {}", self.forms()))),
        }
    }

    fn value(&self, name: &str, variable: &str) -> Result<String, Fault> {
        let value = self.environment.get(variable);
        let value = value
            .ok_or_else(|| Fault::new(format!("{name}: the variable {} is not set", shown(variable))))?;
        value
            .into_string()
            .map_err(|_| Fault::new(format!("{name}: the variable {} is not UTF-8", shown(variable))))
    }

    fn forms(&self) -> &'static str {
        match self.references {
            References::Env => r#"it must be a string or {"env":"VAR"}"#,
            References::EnvOrEnvRef => r#"it must be a string, {"env":"VAR"} or {"envRef":"VAR"}"#,
        }
    }
}
