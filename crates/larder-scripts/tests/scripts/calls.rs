//! What scripts do with their store.

use std::sync::Arc;
use std::time::Duration;

use larder_core::driver::{RowKey, Shard};
use larder_core::{CanonicalKey, Clock, Kv, ManualClock, MemoryDriver, PutOptions};
use larder_scripts::{Access, Failure, LogLevel, Right};
use serde_json::json;

use crate::support::{Bench, module};

#[tokio::test]
async fn values_are_bytes_text_or_json() {
    let bench = Bench::new();
    let body = "
        await kv.put('text', 'hellö');
        await kv.put('bytes', new Uint8Array([0, 255, 7]));
        await kv.put('buffer', new Uint8Array([1, 2]).buffer);
        await kv.set('json', { a: [1, null] });
        const bytes = await kv.get('bytes');
        return [await kv.getText('text'), bytes instanceof Uint8Array, [...bytes], [...(await kv.get('buffer'))],
            await kv.getJson('json'), await kv.getText('json'), await kv.get('none'), await kv.getText('none'),
            await kv.getJson('none'), await kv.exists('text'), await kv.exists('none')].map((v) => v === undefined ? 'undefined' : v)";
    let expected = json!([
        "hellö", true, [0, 255, 7], [1, 2], { "a": [1, null] }, "{\"a\":[1,null]}", "undefined", "undefined",
        "undefined", true, false
    ]);
    assert_eq!(bench.returns(body).await, expected);
    assert_eq!(bench.kv.get("bytes").await.expect("a get").as_deref(), Some(&[0, 255, 7][..]));
    let body = "const old = await kv.get('bytes'); old[0] = 9; await kv.put('sub', old.subarray(1));
        return [...(await kv.get('sub'))]";
    assert_eq!(bench.returns(body).await, json!([255, 7]));
}

#[tokio::test]
async fn bytes_are_stored_as_long_as_they_are_now() {
    let bench = Bench::new();
    let body = "
        const buffer = new ArrayBuffer(4, { maxByteLength: 64 });
        const all = new Uint8Array(buffer);
        const tail = new Uint8Array(buffer, 2);
        const first = new Uint8Array(buffer, 0, 2);
        const lengths = [];
        for (const length of [8, 3]) {
            buffer.resize(length);
            all.set([1, 2, 3, 4, 5, 6, 7, 8].slice(0, length));
            for (const value of [all, tail, first, buffer]) {
                await kv.put('k', value);
                lengths.push([...(await kv.get('k'))].join(''));
            }
        }
        return lengths";
    assert_eq!(
        bench.returns(body).await,
        json!(["12345678", "345678", "12", "12345678", "123", "3", "12", "123"])
    );
    // What is no longer there is no value.
    let body =
        "const buffer = new ArrayBuffer(4, { maxByteLength: 64 }); const gone = new Uint8Array(buffer, 2);
        buffer.resize(1); await kv.put('gone', gone)";
    assert_eq!(bench.throws(body).await.name, "TypeError");
    assert!(!bench.kv.exists("gone").await.expect("an answer"));
}

#[tokio::test]
async fn a_put_has_conditions_and_tells_the_version() {
    let bench = Bench::new();
    let body = "
        const first = await kv.put('k', '1', { ifNotExists: true });
        const second = await kv.put('k', '2', { ifNotExists: true });
        const entry = await kv.getEntry('k');
        const third = await kv.put('k', '3', { ifVersion: first.version });
        const fourth = await kv.put('k', '4', { ifVersion: first.version });
        const wrong = await kv.delete('k', { ifVersion: first.version });
        const right = await kv.delete('k', { ifVersion: third.version });
        return [first.stored, second, entry.version === first.version, entry.key, third.stored, fourth, wrong, right,
            await kv.set('l', 1, { ifNotExists: true }), await kv.set('l', 1, { ifNotExists: true }), await kv.delete('l')]";
    let expected = json!([true, { "stored": false }, true, "k", true, { "stored": false }, false, true, true, false, true]);
    assert_eq!(bench.returns(body).await, expected);
}

#[tokio::test]
async fn lifetimes_are_in_seconds_or_milliseconds() {
    let bench = Bench::new();
    bench.returns("await kv.put('s', 1, { ttl: 90 }); await kv.put('ms', 1, { ttlMs: 1500 }); await kv.put('no', 1)").await;
    for (key, most) in [("s", Some(90_000)), ("ms", Some(1_500)), ("no", None)] {
        let ttl = bench.kv.get_entry(key).await.expect("a get").expect("an entry").ttl();
        match most.map(Duration::from_millis) {
            Some(most) => {
                assert!(ttl.is_some_and(|ttl| ttl <= most && ttl > most.mul_f64(0.5)), "{key}: {ttl:?}")
            }
            None => assert_eq!(ttl, None),
        }
    }
    let at = bench.returns("return (await kv.getEntry('s')).expiresAt - Date.now()").await;
    assert!((60_000.0..=90_001.0).contains(&at.as_f64().expect("a number")), "{at}");
    for wrong in [
        "{ ttl: 0 }",
        "{ ttl: -1 }",
        "{ ttl: 'x' }",
        "{ ttl: 1, ttlMs: 1 }",
        "{ ttlMs: NaN }",
        "{ ttll: 1 }",
        "7",
    ] {
        bench.throws(&format!("await kv.put('wrong', 1, {wrong})")).await;
    }
    assert!(!bench.kv.exists("wrong").await.expect("an answer"));
}

#[tokio::test]
async fn a_scan_is_by_pages_or_entry_by_entry() {
    let bench = Bench::new();
    for number in 0..250 {
        bench.kv.put(format!("p:{number:03}"), number.to_string(), PutOptions::new()).await.expect("a put");
    }
    let body = "
        const keys = [];
        for await (const { key, value } of kv.scan('p:')) keys.push(key + value.length);
        const some = [];
        for await (const { key } of kv.scan('p:', { limit: 120 })) some.push(key);
        const page = await kv.scanPage('p:', { limit: 2 });
        const next = await kv.scanPage('p:', { limit: 2, cursor: page.cursor });
        const last = await kv.scanPage('p:24');
        return [keys.length, keys[0], keys[249], some.length, page.items.map((i) => i.key), next.items.map((i) => i.key),
            last.items.length, last.cursor]";
    let expected = json!([250, "p:0001", "p:2493", 120, ["p:000", "p:001"], ["p:002", "p:003"], 10, null]);
    assert_eq!(bench.returns(body).await, expected);
    for wrong in ["{ limit: 0 }", "{ limit: 101 }", "{ limit: 1.5 }", "{ cursor: 'x' }", "{ prefix: 'x' }"] {
        bench.throws(&format!("await kv.scanPage('p:', {wrong})")).await;
    }
}

#[tokio::test]
async fn a_scan_names_what_is_damaged_and_goes_on_for_who_says_so() {
    let memory = MemoryDriver::new();
    let kv = Kv::new(memory.clone());
    for key in ["p:a", "p:the-damaged-one", "p:z"] {
        kv.put(key, "v", PutOptions::new()).await.expect("a put");
    }
    let key = CanonicalKey::from_canonical("p:the-damaged-one").expect("a key");
    memory.corrupt(&RowKey { shard: Shard(0), key });
    let bench = Bench { kv, ..Bench::new() };
    let body = "
        const { items, cursor } = await kv.scanPage('p:');
        return [items.map(({ key, value, error }) => [key, value?.length ?? null, error?.code ?? null]), cursor]";
    let items = json!([["p:a", 1, null], ["p:the-damaged-one", null, "CORRUPT"], ["p:z", 1, null]]);
    assert_eq!(bench.returns(body).await, json!([items, null]));
    let body = "
        const seen = [];
        try { for await (const { key } of kv.scan('p:')) seen.push(key) }
        catch (error) { seen.push(`${error.name} ${error.code} ${error.key}`) }
        return seen";
    assert_eq!(bench.returns(body).await, json!(["p:a", "KvError CORRUPT p:the-damaged-one"]));
    let body = "
        const seen = [];
        const onCorrupt = async ({ key, code }) => { await kv.put(key, 'mended'); seen.push(`${code} ${key}`) };
        for await (const { key } of kv.scan('p:', { onCorrupt })) seen.push(key);
        return [seen, await kv.getText('p:the-damaged-one')]";
    assert_eq!(bench.returns(body).await, json!([["p:a", "CORRUPT p:the-damaged-one", "p:z"], "mended"]));
    let body = "for await (const _ of kv.scan('p:', { onCorrupt: 7 }));";
    assert_eq!(bench.throws(body).await.name, "TypeError");
}

#[tokio::test]
async fn a_counter_is_a_number_and_past_its_exactness_a_bigint() {
    let bench = Bench::new();
    let body = "return [await kv.increment('n'), await kv.increment('n', 41), await kv.increment('n', -2n),
        typeof await kv.increment('big', 9007199254740993n), String(await kv.increment('big', 0)), await kv.getText('n')]";
    assert_eq!(bench.returns(body).await, json!([1, 42, 40, "bigint", "9007199254740993", "40"]));
    assert_eq!(bench.throws("await kv.increment('n', 0.5)").await.name, "TypeError");
    let thrown = bench.throws("await kv.put('t', 'x'); await kv.increment('t')").await;
    assert_eq!((thrown.name.as_str(), thrown.code.as_deref()), ("KvError", Some("INVALID_INPUT")));
}

#[tokio::test]
async fn a_counter_has_the_lifetime_that_it_began_with() {
    let clock = Arc::new(ManualClock::default());
    let kv = Kv::builder(MemoryDriver::new()).clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
    let bench = Bench { kv, ..Bench::new() };
    let ttl = async |key: &str| bench.kv.get_entry(key).await.expect("a get").expect("an entry").ttl();
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let body =
        "return [await kv.increment('s', 5, { ttl: 90 }), await kv.increment('ms', 1, { ttlMs: 1500 }),
        await kv.increment('no', 1)]";
    assert_eq!(bench.returns(body).await, json!([5, 1, 1]));
    assert_eq!((ttl("s").await, ttl("no").await), (seconds(90), None));
    assert_eq!(ttl("ms").await, Some(Duration::from_millis(1_500)));
    // What is there keeps its lifetime, or that it has none.
    clock.advance(Duration::from_secs(60));
    let body = "return [await kv.increment('s', 1, { ttl: 90 }), await kv.increment('no', 1, { ttl: 90 })]";
    assert_eq!(bench.returns(body).await, json!([6, 2]));
    assert_eq!((ttl("s").await, ttl("no").await), (seconds(30), None));
    // And what has expired begins anew.
    clock.advance(Duration::from_secs(30));
    assert_eq!(bench.returns("return await kv.increment('s', 1, { ttl: 10 })").await, 1);
    assert_eq!(ttl("s").await, seconds(10));
    for wrong in ["{ ttl: 0 }", "{ ttl: 1, ttlMs: 1 }", "{ ifNotExists: true }", "60"] {
        bench.throws(&format!("await kv.increment('wrong', 1, {wrong})")).await;
    }
    assert!(!bench.kv.exists("wrong").await.expect("an answer"));
}

#[tokio::test]
async fn calls_are_under_way_together() {
    let bench = Bench::new();
    let body = "
        await Promise.all(Array.from({ length: 300 }, (_, i) => kv.put(`k${i}`, `${i}`)));
        const values = await Promise.all(Array.from({ length: 300 }, (_, i) => kv.getText(`k${i}`)));
        return values.every((value, i) => value === `${i}`)";
    assert_eq!(bench.returns(body).await, true);
}

#[tokio::test]
async fn more_pages_than_there_is_room_for_at_once_all_come() {
    let bench = Bench::new();
    bench.kv.put("p:1", "v", PutOptions::new()).await.expect("a put");
    let body = "
        const pages = await Promise.all(Array.from({ length: 40 }, () => kv.scanPage('p:', { limit: 100 })));
        return pages.map(({ items }) => items.length).join('')";
    assert_eq!(bench.returns(body).await, "1".repeat(40));
}

#[tokio::test]
async fn what_nobody_awaits_is_done_before_the_answer() {
    let bench = Bench::new();
    bench.returns("for (let i = 0; i < 10; i++) kv.put(`k${i}`, 'v')").await;
    assert_eq!(bench.kv.scan_keys_collect("", 100).await.expect("a scan").items.len(), 10);
    assert_eq!(bench.returns("return await kv.getText('k9')").await, "v");
}

#[tokio::test]
async fn what_nobody_awaits_is_done_beyond_what_is_under_way_at_once_and_with_what_it_leads_to() {
    let bench = Bench::new();
    bench.returns("for (let i = 0; i < 40; i++) kv.put(`k${i}`, 'v')").await;
    assert_eq!(bench.kv.scan_keys_collect("k", 100).await.expect("a scan").items.len(), 40);
    let body = "kv.getText('k1').then((value) => kv.put('copy', value)).then(() => kv.put('last', 'l')); return 'said'";
    assert_eq!(bench.returns(body).await, "said");
    assert_eq!(bench.kv.get("copy").await.expect("a get").as_deref(), Some(&b"v"[..]));
    assert_eq!(bench.kv.get("last").await.expect("a get").as_deref(), Some(&b"l"[..]));
    let body = "for (let i = 0; i < 40; i++) kv.put(`t${i}`, 'v'); throw new Error('mine')";
    assert_eq!(bench.throws(body).await.message, "mine");
    assert_eq!(bench.kv.scan_keys_collect("t", 100).await.expect("a scan").items.len(), 40);
    // Within the limits of the run.
    let body = "const on = () => kv.exists('k1').then(on, () => {}); on(); return 1";
    assert_eq!(bench.returns(body).await, 1);
    let failure = bench.fails("const on = () => Promise.resolve().then(on); on(); return 1").await;
    assert!(matches!(failure, Failure::CpuLimit), "{failure:?}");
}

#[tokio::test]
async fn what_nobody_awaits_and_fails_is_in_the_log() {
    let bench = Bench::new();
    let body = "kv.put('', 'v'); kv.get('').catch(() => {}); const late = kv.get(''); await kv.exists('k');
        try { await late } catch { return 'heard' }";
    let report = bench.run(&module(body), None).await.expect("it is begun");
    assert_eq!(report.result.expect("a result").get(), "\"heard\"");
    let [line] = &report.logs[..] else { panic!("one line: {}", report.logs.len()) };
    assert_eq!(line.level, LogLevel::Warn);
    assert!(line.text.contains("nobody awaited failed (INVALID_INPUT)"), "{}", line.text);
    let report = bench.run(&module("throw new Error('mine')"), None).await.expect("it is begun");
    assert!(report.result.is_err() && report.logs.is_empty(), "the run's own failure is its answer");
}

#[tokio::test]
async fn a_failure_is_an_exception_with_a_code() {
    let bench = Bench::new();
    let body = "
        const seen = [];
        for (const act of [() => kv.get(''), () => kv.put('k', 'x'.repeat(24577)), () => kv.get('k'.repeat(513)),
            () => kv.put('k', 'v', { ifVersion: 'nonsense' }), () => kv.get('k'.repeat(5000)),
            () => kv.put('j', 'no json').then(() => kv.getJson('j')),
            () => kv.put('b', new Uint8Array([255])).then(() => kv.getText('b'))]) {
            try { await act(); seen.push('nothing') } catch (error) { seen.push(`${error instanceof Error} ${error.name} ${error.code}`) }
        }
        return seen";
    let invalid = "true KvError INVALID_INPUT";
    let corrupt = "true KvError CORRUPT";
    let expected = json!([invalid, invalid, invalid, invalid, invalid, corrupt, corrupt]);
    assert_eq!(bench.returns(body).await, expected);
    for body in [
        "await kv.get(7)",
        "await kv.get()",
        "await kv.get('\\ud800')",
        "await kv.put('k', undefined)",
        "await kv.put('k', () => 1)",
    ] {
        assert_eq!(bench.throws(body).await.name, "TypeError", "{body}");
    }
}

#[tokio::test]
async fn a_script_may_no_more_than_its_caller() {
    let bench = Bench::new();
    bench.kv.put("k", "v", PutOptions::new()).await.expect("a put");
    let calls = [
        ("kv.get('k')", &[Right::Read][..]),
        ("kv.exists('k')", &[Right::Read]),
        ("kv.getEntry('k')", &[Right::Read]),
        ("kv.put('k', 'v')", &[Right::Write]),
        ("kv.scanPage('')", &[Right::Scan]),
        ("kv.increment('n')", &[Right::Read, Right::Write]),
        ("kv.delete('x')", &[Right::Delete]),
    ];
    for (call, needed) in calls {
        for right in [Right::Read, Right::Write, Right::Delete, Right::Scan] {
            let body = format!("try {{ await {call}; return 'done' }} catch (error) {{ return error.code }}");
            let mut request = bench.request(&module(&body), None);
            request.access = Access::none(bench.kv.clone()).allow(right);
            let report = bench.pool.run(request).await.expect("it is begun");
            let expected = if needed == [right] { "\"done\"" } else { "\"FORBIDDEN\"" };
            assert_eq!(report.result.expect("a result").get(), expected, "{call} with {right:?}");
        }
        let mut request = bench.request(&module(&format!("await {call}")), None);
        request.access =
            needed.iter().fold(Access::none(bench.kv.clone()), |access, right| access.allow(*right));
        bench.pool.run(request).await.expect("it is begun").result.expect(call);
    }
}

#[tokio::test]
async fn a_script_stays_in_its_callers_namespace() {
    let bench = Bench::new();
    bench.kv.put("other:secret", "s", PutOptions::new()).await.expect("a put");
    bench.kv.put("secret", "s", PutOptions::new()).await.expect("a put");
    let body = "
        await kv.put('own', '1');
        const keys = [];
        for await (const { key } of kv.scan('')) keys.push(key);
        const found = [];
        for (const key of ['other:secret', 'secret', '../secret', ':secret', '!layout', '~21layout', '\\0secret']) {
            found.push(await kv.exists(key));
        }
        return [keys, found.some((is) => is)]";
    let mut request = bench.request(&module(body), None);
    request.access = Access::all(bench.kv.with_prefix("tenant").expect("a namespace"));
    let report = bench.pool.run(request).await.expect("it is begun");
    assert_eq!(report.result.expect("a result").get(), "[[\"own\"],false]");
    assert!(bench.kv.exists("tenant:own").await.expect("an answer"));
}
