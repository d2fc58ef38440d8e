//! Compiled sources, kept for the next run of the same source in this process.

use std::collections::HashMap;
use std::rc::Rc;

use rquickjs::{Context, Ctx, Error, Module, WriteOptions};

use super::clock::CpuMeter;
use super::run::runtime;
use super::thrown;
use crate::outcome::SyntaxError;
use crate::wire::{End, Run};

/// What is set up before a script.
const PRELUDE: &str = include_str!("prelude.mjs");
const PRELUDE_NAME: &str = "larder";
/// How many sources are kept. A worker serves one tenant, which has few.
const KEPT: usize = 64;

/// What the engine of this process has made of a source.
pub(super) struct Bytecode(Vec<u8>);

impl Bytecode {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compiles a module in a context that has all of the language. Nothing of it runs.
    fn compile(ctx: &Ctx<'_>, name: &str, source: &str) -> rquickjs::Result<Self> {
        let module = Module::declare(ctx.clone(), name, source)?;
        // Lines and columns are kept for stacks, the text of functions is not.
        module.write(WriteOptions { strip_source: true, ..WriteOptions::default() }).map(Self)
    }
}

/// The sources that this process has compiled.
#[derive(Default)]
pub(crate) struct Codes {
    prelude: Option<Rc<Bytecode>>,
    scripts: HashMap<(String, [u8; 32]), Rc<Bytecode>>,
}

impl Codes {
    /// The compiled prelude.
    pub(super) fn prelude(&mut self, run: &Run, meter: &CpuMeter) -> Result<Rc<Bytecode>, Error> {
        if let Some(code) = &self.prelude {
            return Ok(Rc::clone(code));
        }
        let context = Context::full(&runtime(run, meter)?)?;
        let code = Rc::new(context.with(|ctx| Bytecode::compile(&ctx, PRELUDE_NAME, PRELUDE))?);
        self.prelude = Some(Rc::clone(&code));
        Ok(code)
    }

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
            Bytecode::compile(&ctx, &run.name, &run.source).map_err(|error| refused(&ctx, meter, &error))
        })?;
        let code = Rc::new(code);
        if self.scripts.len() >= KEPT {
            self.scripts.clear();
        }
        self.scripts.insert(key, Rc::clone(&code));
        Ok(code)
    }
}

/// Whatever the compiler says is an error of the source, but for the limits.
fn refused(ctx: &Ctx<'_>, meter: &CpuMeter, error: &Error) -> End {
    match thrown::end(ctx, meter, error) {
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
