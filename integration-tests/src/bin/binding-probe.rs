//! Loads the binding `probe` that its environment gives, writes and reads through it, and prints one line of JSON.

use std::time::Instant;

use larder::{Context, PutOptions, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let started = Instant::now();
    let outcome = probe().await;
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let line = match outcome {
        Ok(value) => serde_json::json!({ "value": value, "millis": millis }),
        Err(error) => serde_json::json!({
            "kind": error.kind().as_str(),
            "message": format!("{error} {error:?}"),
            "millis": millis,
        }),
    };
    println!("{line}");
}

async fn probe() -> Result<Option<String>> {
    let kv = Context::from_env().bindings().load_kv("probe").await?;
    kv.put("probe", "written", PutOptions::new()).await?;
    kv.get_text("probe").await
}
