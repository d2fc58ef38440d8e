//! A pool whose workers are this program, and runs in it.

use larder_core::{Kv, MemoryDriver};
use larder_scripts::{Access, Limits, Pool, PoolOptions, Request, Script, WorkerProgram};

use crate::Outcome;

/// A run as services make them.
const GOOD: &str = "export default async function (input, { kv }) {
  const before = (await kv.getJson('count')) ?? 0;
  let sum = 0;
  for (let i = 0; i < 100; i++) sum += i * before;
  await kv.put('count', before + 1);
  return { sum };
}";

/// Workers that are this program.
pub(super) fn pool(workers: usize, limits: Limits) -> Outcome<Pool> {
    let program = WorkerProgram::this()?.arg(crate::SCRIPT_WORKER).env("MIMALLOC_ARENA_RESERVE", "0");
    Ok(Pool::new(PoolOptions::new(program).workers(workers).runs_per_worker(u64::MAX).limits(limits)))
}

/// A run of a script, of one tenant.
pub(super) fn request(kv: &Kv, tenant: &str, source: &str) -> Request {
    Request {
        script: Script::new(tenant, "1", source),
        input: Some("{\"orderId\":\"ord_xyz789\"}".to_owned()),
        access: Access::all(kv.clone()),
        tenant: tenant.to_owned(),
        caller: tenant.to_owned(),
    }
}

/// A good run.
pub(super) fn good(kv: &Kv) -> Request {
    request(kv, "good", GOOD)
}

pub(super) fn store() -> Kv {
    Kv::new(MemoryDriver::new())
}
