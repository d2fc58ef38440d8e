//! Compiled sources, kept for the next run of the same source in this process.

use std::collections::HashMap;
use std::rc::Rc;

use rquickjs::{Context, Ctx, Error, Module, Runtime, WriteOptions};

use super::clock::CpuMeter;
use super::thrown;
use crate::outcome::SyntaxError;
use crate::wire::{End, Run};

/// What is set up before a script.
const PRELUDE: &str = include_str!("prelude.mjs");
const PRELUDE_NAME: &str = "larder";
/// How many sources are kept. A worker serves one tenant, which has few.
const KEPT: usize = 64;

/// Whether lines and columns are kept, for stacks. It takes time at every run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Kept,
    Left,
}

/// What the engine of this process has made of a source.
pub(super) struct Bytecode(Vec<u8>);

impl Bytecode {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The compiled prelude.
    pub(super) fn of_prelude() -> rquickjs::Result<Self> {
        let context = Context::full(&Runtime::new()?)?;
        context.with(|ctx| Self::compile(&ctx, PRELUDE_NAME, PRELUDE, Lines::Left))
    }

    /// Compiles a module in a context that has all of the language. Nothing of it runs.
    fn compile(ctx: &Ctx<'_>, name: &str, source: &str, lines: Lines) -> rquickjs::Result<Self> {
        let module = Module::declare(ctx.clone(), name, source)?;
        let strip_debug = lines == Lines::Left;
        module.write(WriteOptions { strip_source: true, strip_debug, ..WriteOptions::default() }).map(Self)
    }
}

/// The sources that this process has compiled.
#[derive(Default)]
pub(crate) struct Codes {
    scripts: HashMap<(String, [u8; 32]), Rc<Bytecode>>,
}

impl Codes {
    /// The compiled script of a run, or why it is no module.
    pub(super) fn script(&mut self, run: &Run, meter: &CpuMeter) -> Result<Rc<Bytecode>, End> {
        // The name is in the code, for stacks.
        let key = (run.name.clone(), run.hash);
        if let Some(code) = self.scripts.get(&key) {
            return Ok(Rc::clone(code));
        }
        let failed = |error: Error| End::Threw(thrown::of_engine(&error));
        let runtime = runtime(run, meter).map_err(failed)?;
        let context = Context::full(&runtime).map_err(failed)?;
        let code = context.with(|ctx| {
            Bytecode::compile(&ctx, &run.name, &run.source, Lines::Kept)
                .map_err(|error| refused(&ctx, meter, &error))
        })?;
        let code = Rc::new(code);
        if self.scripts.len() >= KEPT {
            self.scripts.clear();
        }
        self.scripts.insert(key, Rc::clone(&code));
        Ok(code)
    }
}

/// An engine to compile in, within the limits of a run.
fn runtime(run: &Run, meter: &CpuMeter) -> Result<Runtime, Error> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(usize::try_from(run.heap_bytes).unwrap_or(usize::MAX));
    runtime.set_max_stack_size(usize::try_from(run.stack_bytes).unwrap_or(usize::MAX));
    let meter = meter.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || meter.is_used_up())));
    Ok(runtime)
}

/// Whatever the compiler says is an error of the source, but for the limits.
fn refused(ctx: &Ctx<'_>, meter: &CpuMeter, error: &Error) -> End {
    // Nothing runs that could throw what the engine throws without memory.
    match thrown::end(ctx, meter, true, error) {
        End::Threw(thrown) => {
            let (line, column) = place(&thrown.stack).unwrap_or_default();
            End::Syntax(SyntaxError { message: thrown.message, line, column })
        }
        end => end,
    }
}

/// The line and column in the first line of a stack: `    at name:3:14`.
fn place(stack: &str) -> Option<(u32, u32)> {
    let first = stack.lines().next()?.trim_end().trim_end_matches(')');
    let (rest, column) = first.rsplit_once(':')?;
    let (_, line) = rest.rsplit_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_is_read_from_a_stack() {
        assert_eq!(place("    at totals:3:14\n"), Some((3, 14)));
        assert_eq!(place("    at f (totals:10:2)\n    at g (x:1:1)"), Some((10, 2)));
        for none in ["", "    at native", "    at a:b:c"] {
            assert_eq!(place(none), None, "{none}");
        }
    }
}
