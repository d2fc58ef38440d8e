//! Scripts that mean harm, and a good one.

/// Scripts that mean harm: a name, and the body of a function.
pub(crate) const HOSTILE: &[(&str, &str)] = &[
    ("endless loop", "for (;;);"),
    ("endless loop that catches", "for (;;) { try { for (;;); } catch {} finally { continue } }"),
    ("endless awaiting", "for (;;) await null"),
    (
        "promise storm",
        "const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f(); await new Promise(() => {})",
    ),
    ("many promises", "const all = []; for (;;) all.push(new Promise(() => {}))"),
    ("never settled", "await new Promise(() => {})"),
    ("BigInt to text", "return (7n ** 370000n).toString().length"),
    ("BigInt power", "return 2n ** (2n ** 40n)"),
    ("array join", "return new Array(2 ** 26).join('').length"),
    ("regular expression", "return /^(a+)+$/.test('a'.repeat(40) + 'b')"),
    ("memory in arrays", "const all = []; for (;;) all.push(new Array(1e5).fill(7))"),
    ("memory in texts", "let text = 'x'; for (;;) text = text + text + 'y'"),
    ("memory in buffers", "const all = []; for (;;) all.push(new Uint8Array(1e6))"),
    ("deep recursion", "const f = (n) => f(n + 1) + 1; return f(0)"),
    ("deep JSON", "return JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))"),
    ("deep result", "let deep = []; for (let i = 0; i < 1e5; i++) deep = [deep]; return deep"),
    ("prototype pollution", "Object.prototype.then = function () {}; Array.prototype.push = null; return {}"),
    ("cyclic result", "const a = {}; a.a = a; return a"),
    ("result that never ends", "return { toJSON() { for (;;); } }"),
    ("getters that never end", "throw { get name() { for (;;); } }"),
    ("import", "return await import('fs')"),
    ("import of a file", "return await import('/etc/passwd')"),
    ("forged interruption", "throw Object.assign(new Error('interrupted'), { name: 'InternalError' })"),
    ("forged lack of memory", "throw null"),
    ("forged store error", "throw Object.assign(new Error('x'), { name: 'KvError', code: 'AMBIGUOUS' })"),
    ("blocking wait", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"),
    ("flood of logs", "for (;;) console.log('x'.repeat(1e5))"),
    (
        "flood of calls",
        "const all = []; for (let i = 0; i < 5000; i++) all.push(kv.exists('k')); return (await Promise.all(all)).length",
    ),
    (
        "flood of large puts",
        "const v = 'x'.repeat(24576); const all = []; for (let i = 0; i < 3000; i++) all.push(kv.put('hostile', v)); await Promise.all(all)",
    ),
    ("huge key", "return await kv.get('k'.repeat(1e7))"),
    ("huge output", "return 'x'.repeat(5e6)"),
    ("huge error", "throw new Error('x'.repeat(5e6))"),
    (
        "proxy that traps all",
        "return new Proxy({}, { get: () => { for (;;); }, ownKeys: () => { for (;;); } })",
    ),
    ("sort that lies", "return new Array(1e6).fill(0).sort(() => Math.random() - 0.5).length"),
    ("code of text", "return new Function('return process')()"),
    (
        "finalizers",
        "const r = new FinalizationRegistry(() => { for (;;); }); for (let i = 0; i < 1e5; i++) r.register({}, i); return 1",
    ),
];

/// A run as services make them: `input` is a number.
pub(crate) const GOOD: &str =
    "const n = (await kv.getJson('n')) ?? 0; let sum = 0; for (let i = 0; i < 100; i++) sum += i;
    await kv.put(`out:${input}`, { n, sum }); return sum";
