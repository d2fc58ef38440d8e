//! Which emulators there are, how each is run, and how one sees that it answers.

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use super::probe::Probe;

/// An emulator that runs as a process, without Docker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emulator {
    /// DynamoDB, the first choice: close to the service, and fast. Never deletes expired items.
    Dynoxide,
    /// DynamoDB, a second opinion. Deletes expired items. Slow on long ranges.
    Ministack,
    /// DynamoDB, but only for what the others lack: it checks signatures.
    Moto,
    /// Azure Tables.
    Azurite,
    /// Firestore. Built from source, which takes some minutes.
    Hidane,
}

impl Emulator {
    /// What `cargo xtask test` starts, and `cargo xtask emulators up` without names.
    pub(crate) const NEEDED_BY_TESTS: [Self; 5] =
        [Self::Dynoxide, Self::Ministack, Self::Moto, Self::Hidane, Self::Azurite];

    /// Whether there is a built dynoxide for this machine.
    pub(super) const HAS_BUILT_DYNOXIDE: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dynoxide => "dynoxide",
            Self::Ministack => "ministack",
            Self::Moto => "moto",
            Self::Azurite => "azurite",
            Self::Hidane => "hidane",
        }
    }

    /// The version of the package that is installed. Exact, so that the same tests mean the same everywhere.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Dynoxide if Self::HAS_BUILT_DYNOXIDE => "1.2.1",
            // The number of the crate; the program calls itself 1.5.0.
            Self::Dynoxide => "3.2.0",
            Self::Ministack => "1.5.33",
            Self::Moto => "5.2.5",
            // The last one that admits Node 20.
            Self::Azurite => "3.35.0",
            Self::Hidane => "0.6.0",
        }
    }

    /// What starts it on this port, of loopback only.
    pub(super) fn command(self, directory: &Path, port: u16) -> Command {
        let port = port.to_string();
        match self {
            Self::Dynoxide | Self::Hidane => {
                let mut command = Command::new(directory.join("bin").join(self.name()));
                command.args(["--host", "127.0.0.1", "--port", &port]);
                command
            }
            Self::Ministack => {
                let mut command = python(directory, "ministack");
                // Without BIND_HOST it listens on every interface. Where the package `cryptography` is
                // installed, its MQTT server does so in any case, unless it is turned off.
                command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", &port);
                command.env("SERVICES", "dynamodb").env("IOT_MTLS_ENABLED", "0");
                command
            }
            Self::Moto => {
                let mut command = python(directory, "moto.server");
                command.args(["-H", "127.0.0.1", "-p", &port]);
                // Every request is authenticated, so a test that forgets its part is refused. To get
                // credentials, it POSTs `3` to /moto-api/reset-auth, as text/plain: the next three requests
                // to any service pass unchecked. It uses them for IAM's CreateUser, PutUserPolicy
                // (dynamodb:* on *) and CreateAccessKey.
                command.env("INITIAL_NO_AUTH_ACTION_COUNT", "0");
                command
            }
            Self::Azurite => {
                let mut command = Command::new("node");
                command.arg(directory.join("node_modules/azurite/dist/src/table/main.js"));
                command.args(["--tableHost", "127.0.0.1", "--tablePort", &port]);
                command.args(["--silent", "--inMemoryPersistence"]);
                // Seconds. The service keeps idle connections for minutes; Azurite would close them after five, and reset
                // what is sent on one at that moment.
                command.args(["--tableKeepAliveTimeout", "120"]);
                command
            }
        }
    }

    /// The request that shows that it answers, and that it is no other server.
    pub(super) fn probe(self) -> Probe {
        match self {
            Self::Dynoxide | Self::Hidane => Probe { path: "/", status: 200 },
            Self::Ministack => Probe { path: "/_ministack/health", status: 200 },
            // `/` would use up one of the unchecked requests.
            Self::Moto => Probe { path: "/moto-api/", status: 200 },
            // It has no page for health; an unsigned request is refused like this.
            Self::Azurite => Probe { path: "/", status: 400 },
        }
    }
}

/// A module of the virtual environment. Its scripts do not work: they name the folder before it was renamed.
fn python(directory: &Path, module: &str) -> Command {
    let mut command = Command::new(directory.join("bin/python"));
    command.args(["-m", module]).env("PYTHONUNBUFFERED", "1");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emulator_is_confined_to_loopback() {
        for emulator in Emulator::value_variants() {
            let command = emulator.command(Path::new("/cache"), 18000);
            let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
            let values = command.get_envs().filter_map(|(_, value)| value);
            let said: Vec<String> =
                arguments.chain(values.map(|value| value.to_string_lossy().into_owned())).collect();
            assert!(said.contains(&"127.0.0.1".to_owned()), "{emulator:?}: {said:?}");
            assert!(said.contains(&"18000".to_owned()), "{emulator:?}: {said:?}");
        }
    }
}
