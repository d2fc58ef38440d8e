//! Writes to a Firestore with the credentials of its environment, reads what it wrote, and prints it, or what kept it.
//!
//! Its arguments: the URL, the project, and the name of a database and of the collection in it.

use larder_core::{Kv, PutOptions, Result};
use larder_firestore::{Credentials, FirestoreDriver, FirestoreOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match probe().await {
        Ok(value) => println!("{}", value.as_deref().unwrap_or("nothing")),
        Err(error) => println!("{error}"),
    }
}

async fn probe() -> Result<Option<String>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("an argument");
    let (url, project, name) = (next(), next(), next());
    // A binding takes a server without TLS for an emulator, and sends it no token.
    let options = FirestoreOptions::new(project, name.clone())
        .database(name)
        .endpoint_url(url)
        .credentials(Credentials::ApplicationDefault);
    let kv = Kv::new(FirestoreDriver::open(options).await?);
    kv.put("probe", "written", PutOptions::new()).await?;
    kv.get_text("probe").await
}
