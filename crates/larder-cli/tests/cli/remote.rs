//! Stores behind `larder serve`, used by other processes as any store is.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::thread;

use serde_json::json;

use crate::support::Shell;

const PROCESSES: usize = 6;
const TURNS: usize = 4;

/// `larder serve` on a free port. It ends with the test.
struct Server {
    child: Child,
    /// Without the scheme.
    address: String,
}

impl Server {
    fn start(shell: &Shell) -> Self {
        let mut child = shell.start(&["serve", "--listen", "127.0.0.1:0"]);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}"));
        Self { address: address.to_owned(), child }
    }

    fn url(&self) -> String {
        format!("gateway://{}/default", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn several_processes_share_one_embedded_store() {
    let shell = Shell::new();
    let server = Server::start(&shell);
    let url = server.url();
    // The store itself is open in one process, and in no other.
    shell.run(&["get", "k"]).failed(1, "in use by another process");

    let stored: usize = thread::scope(|scope| {
        let processes: Vec<_> = (0..PROCESSES)
            .map(|number| {
                let (shell, url) = (&shell, &url);
                scope.spawn(move || {
                    for _ in 0..TURNS {
                        shell.done(&["incr", "--url", url, "visits"]);
                    }
                    let value = number.to_string();
                    let lock =
                        shell.run(&["put", "--url", url, "lock", &value, "--ttl", "1h", "--if-absent"]);
                    usize::from(lock.code == 0)
                })
            })
            .collect();
        processes.into_iter().map(|process| process.join().expect("it ends")).sum()
    });
    assert_eq!(stored, 1, "one process has the lock");
    let visits = (PROCESSES * TURNS).to_string();
    assert_eq!(shell.done(&["get", "--url", &url, "visits"]).trim(), visits);
    shell.done(&["check", "--url", &url]);
    drop(server);
    // It was killed, and all that was acknowledged is there.
    assert_eq!(shell.done(&["get", "visits"]).trim(), visits);
    assert!(shell.run(&["exists", "lock"]).code == 0);
}

#[test]
fn a_key_opens_what_it_is_for_and_nothing_else() {
    let mut shell = Shell::new();
    shell.done(&["put", "secret", "of the whole store"]);
    let create = ["keys", "create", "--namespace", "tenant", "--output", "json", "--allow"];
    let create = |allow: &str| {
        let said = shell.done(&[&create[..], &[allow]].concat());
        let record: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        record["key"].as_str().expect("a key").to_owned()
    };
    let (reader, writer) = (create("read,scan"), create("read,write"));
    let server = Server::start(&shell);
    for (id, key) in [("READER", &reader), ("WRITER", &writer)] {
        let (url, key_from) = (format!("http://{}", server.address), json!({ "env": format!("{id}_KEY") }));
        let binding = json!({ "service": "gateway", "url": url, "apiKey": key_from, "binding": "default" });
        shell.set(&format!("LARDER_{id}_BINDING"), binding.to_string());
        shell.set(&format!("{id}_KEY"), key);
    }
    shell.done(&["put", "-b", "writer", "mine", "1", "--if-absent"]);
    shell.done(&["incr", "-b", "writer", "mine"]);
    assert_eq!(shell.done(&["get", "-b", "reader", "mine"]).trim(), "2");
    assert!(shell.done(&["scan", "-b", "reader"]).contains("mine"));
    assert_ne!(shell.run(&["exists", "-b", "reader", "secret"]).code, 0, "it is not in the namespace");
    for refused in [
        &["put", "-b", "reader", "mine", "3"][..],
        &["incr", "-b", "reader", "mine"],
        &["delete", "-b", "reader", "mine"],
        &["delete", "-b", "writer", "mine"],
        &["scan", "-b", "writer"],
    ] {
        let said = shell.run(refused);
        assert_ne!(said.code, 0, "{refused:?}");
        assert!(said.errors.contains("lacks the permission"), "{refused:?}: {}", said.errors);
        assert!(!said.errors.contains(&reader) && !said.errors.contains(&writer), "{}", said.errors);
    }
    assert_eq!(shell.done(&["get", "-b", "reader", "mine"]).trim(), "2", "nothing changed");
    shell.set("READER_KEY", format!("{reader}x"));
    let said = shell.run(&["get", "-b", "reader", "mine"]);
    assert_ne!(said.code, 0);
    assert!(said.errors.contains("API key") && !said.errors.contains(&reader), "{}", said.errors);
}
