// The parts of the console that only reckon, in the browser that they run in.

import assert from 'node:assert/strict';
import { inBrowser, step } from './browser.mjs';

await inBrowser(async (page) => {
  const call = (module, calls) =>
    page.evaluate(
      async ([name, asked]) => {
        const part = await import(`/console/${name}.js`);
        return asked.map(([method, ...args]) => {
          try {
            const found = part[method](...args);
            return found instanceof Uint8Array ? [...found] : found;
          } catch (error) {
            return `refused: ${error.message}`;
          }
        });
      },
      [module, calls],
    );

  await step('bytes', async () => {
    const all = Array.from({ length: 256 }, (_, at) => at);
    const [hex, dump, text, bom, none] = await call('bytes', [
      ['asHex', all],
      ['asDump', all],
      ['asText', all],
      ['ofText', '\ufeffä'],
      ['asHex', []],
    ]);
    assert.equal(hex.split('\n').length, 16);
    assert.ok(hex.startsWith('00 01 02') && hex.endsWith('fd fe ff'));
    assert.ok(dump.includes('000040  40 41 42'), dump);
    assert.ok(dump.split('\n')[4].endsWith('@ABCDEFGHIJKLMNO'), dump);
    assert.equal(text, null);
    assert.deepEqual(bom, [0xef, 0xbb, 0xbf, 0xc3, 0xa4]);
    assert.equal(none, '');
    const [back, tight, odd, wrong] = await call('bytes', [
      ['ofHex', hex],
      ['ofHex', 'aB\n0f '],
      ['ofHex', 'abc'],
      ['ofHex', '00\n0x'],
    ]);
    assert.deepEqual(back, all);
    assert.deepEqual(tight, [0xab, 0x0f]);
    assert.match(odd, /refused: The last byte/u);
    assert.match(wrong, /refused: Line 2 has "x"/u);
  });

  await step('json', async () => {
    const written = '{"a":12345678901234567890.10,"b":[],"c":{},"d":[1,{"e":"x,\\"{"}],"f":null}';
    const [pretty, again, wrong, number, empty] = await call('json', [
      ['pretty', written],
      ['pretty', `${written}  \n`],
      ['pretty', '{"a":1'],
      ['pretty', ' 1e400 '],
      ['mistake', ''],
    ]);
    assert.equal(
      pretty,
      '{\n  "a": 12345678901234567890.10,\n  "b": [],\n  "c": {},\n  "d": [\n    1,\n    {\n      "e": "x,\\"{"\n    }\n  ],\n  "f": null\n}',
    );
    assert.equal(again, pretty);
    assert.equal(wrong, null);
    assert.equal(number, '1e400');
    assert.ok(empty);
    const levels = (count) => '['.repeat(count) + ']'.repeat(count);
    const [low, deep] = await call('json', [
      ['pretty', levels(33)],
      ['pretty', levels(12_288)],
    ]);
    assert.equal(Math.max(...low.split('\n').map((line) => line.length)), 2 * 32 + 2);
    assert.ok(deep.length < 2_000_000, `${deep.length} characters`);
    assert.equal(deep.replaceAll(/\s/gu, ''), levels(12_288));
  });

  await step('lifetimes', async () => {
    const read = {
      '500ms': 500,
      '30s': 30_000,
      '12h 30m': 45_000_000,
      '1.5h': 5_400_000,
      '2w': 1_209_600_000,
      ' 7D ': 604_800_000,
    };
    const found = await call(
      'lifetime',
      Object.keys(read).map((text) => ['parse', text]),
    );
    assert.deepEqual(found, Object.values(read));
    for (const refused of await call(
      'lifetime',
      ['', '5', '-5s', '0s', '5 minutes', '9999999w', '1h x'].map((text) => ['parse', text]),
    )) {
      assert.match(refused, /^refused: A lifetime is/u);
    }
    const left = {
      0: 'expired',
      1: '1s',
      1_000: '1s',
      1_001: '2s',
      59_999: '1m 00s',
      61_000: '1m 01s',
      3_600_000: '1h 00m',
      90_000_000: '1d 01h',
    };
    const told = await call(
      'lifetime',
      Object.keys(left).map((millis) => ['left', Number(millis)]),
    );
    assert.deepEqual(told, Object.values(left));
  });

  await step('prefixes', async () => {
    const [steps, none, up, top] = await call('prefix', [
      ['steps', 'user:1/ab'],
      ['steps', ''],
      ['parent', 'user:1/'],
      ['parent', 'user:'],
    ]);
    assert.deepEqual(
      steps.map((one) => one.name),
      ['user:', '1/', 'ab'],
    );
    assert.deepEqual(
      steps.map((one) => one.prefix),
      ['user:', 'user:1/', 'user:1/ab'],
    );
    assert.deepEqual([none, up, top], [[], 'user:', '']);
    const items = ['a', 'b:1', 'b:2', 'c:1', 'd:', 'e/x:1'].map((key) => ({ key }));
    const [closed, open] = await call('prefix', [
      ['grouped', items, '', false],
      ['grouped', items, '', true],
    ]);
    const told = (rows) =>
      rows.map((row) => (row.folder ? `${row.folder} ${row.items.length}` : row.item.key));
    assert.deepEqual(told(closed), ['a', 'b: 2', 'c:1', 'd:', 'e/x:1']);
    // Of the last folder there may be more.
    assert.deepEqual(told(open), ['a', 'b: 2', 'c:1', 'd:', 'e/ 1']);
  });

  await step('numbers', async () => {
    const tops = await call(
      'chart',
      [
        [0, 1],
        [1, 1],
        [1.1, 1],
        [21, 1],
        [50, 1],
        [0.03, 0.1],
        [999_999, 1],
      ].map((args) => ['ceiling', ...args]),
    );
    assert.deepEqual(tops, [1, 1, 2, 50, 50, 0.1, 1_000_000]);
  });
});
