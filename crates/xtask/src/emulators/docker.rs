//! The containers of docker-compose.yml, for those who have Docker.
//!
//! The variables have names of their own. A test that wants dynoxide does not get LocalStack.

use std::process::{Command, Stdio};

use super::{print_export, variable};
use crate::{Outcome, root};

/// The services, and the ports that docker-compose.yml gives them.
const SERVICES: [(&str, u16); 3] = [("localstack", 4566), ("firestore", 8080), ("azurite", 10002)];

pub(super) fn up() -> Outcome {
    compose(&["up", "-d", "--wait"])?;
    for (name, port) in SERVICES {
        print_export(&variable(name), &format!("http://127.0.0.1:{port}"));
    }
    Ok(())
}

pub(super) fn down() -> Outcome {
    compose(&["down"])
}

fn compose(arguments: &[&str]) -> Outcome {
    let status = Command::new("docker")
        .arg("compose")
        .args(arguments)
        .current_dir(root())
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .map_err(|error| format!("docker could not be started: {error}; install Docker with Compose 2"))?;
    let line = arguments.join(" ");
    if status.success() {
        Ok(())
    } else {
        Err(format!("`docker compose {line}` failed; it needs Docker with Compose 2"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../../docker-compose.yml");

    #[test]
    fn the_ports_are_those_of_the_file() {
        for (name, port) in SERVICES {
            assert!(FILE.contains(&format!("\n  {name}:\n")), "{name}");
            assert!(FILE.contains(&format!("\n    ports: [\"127.0.0.1:{port}:{port}\"]\n")), "{name}");
        }
        assert_eq!(FILE.matches("ports:").count(), SERVICES.len());
    }
}
