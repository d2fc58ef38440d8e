// Keys and values that try to be markup, to run, to hide, or to be somewhere else.

import assert from 'node:assert/strict';
import { gateway, has, inBrowser, listed, openKey, rows, save, somebody, step, until } from './browser.mjs';

const RLO = '\u202e';
const KEYS = [
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(2)</script>',
  '"><svg onload=alert(3)>',
  '${alert(4)}{{constructor.constructor("alert(4)")()}}',
  "javascript:alert(5)//'`",
  `invoice${RLO}gpj.exe`,
  'zero\u200bwidth',
  'line\nbreak\ttab\u0000nul',
  'שלום-עולם',
  '../../v1/me?x=1#entries',
  '__proto__',
  'constructor',
  '%3Cb%3E&amp;+ +',
  '👩‍💻',
];
const VALUES = [
  '<img src=x onerror="alert(1)"><b>bold</b>',
  '</pre></section></script><script>alert(2)</script>',
  '</textarea><script>alert(3)</script>',
  '{"__proto__":{"polluted":true},"</pre><img src=x onerror=alert(4)>":"<b>"}',
  `"${RLO}evil"`,
  '<!--',
  '['.repeat(12_288) + ']'.repeat(12_288),
];
/** What is seen of a text: what would be invisible has its name. */
const seen = (text) =>
  text.replace(
    /[\u0000-\u001f\u200b-\u200f\u202e\ufe0f]/gu,
    (letter) => `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );

for (const key of KEYS) await somebody.put(key, `value of ${key}`);

/** No element came of text: the page has those that it had. */
async function isInert(page) {
  assert.equal(
    await page
      .locator(
        '#rows img, #rows script, #rows svg, #rows b, #entry img, #entry script, #entry svg, #entry b, dialog img',
      )
      .count(),
    0,
  );
  assert.equal(await page.evaluate(() => ({}).polluted), undefined);
  assert.equal(new URL(page.url()).hash, '');
}

await inBrowser(async (page, { wrong }) => {
  await step('keys', async () => {
    await page.locator('#folders').uncheck();
    await until(async () => (await rows(page)).length === KEYS.length, 'all keys');
    assert.deepEqual((await rows(page)).toSorted(), KEYS.map(seen).toSorted());
    for (const key of KEYS) {
      await page.locator('#rows tr', { has: page.getByText(seen(key), { exact: true }) }).click();
      await has(page, '#entry-title', seen(key));
      await has(page, '#value', `value of ${seen(key).split('U+')[0]}`);
      await page.locator('#remove').click();
      await has(page, '#ask-subject', seen(key));
      await page.keyboard.press('Escape');
      await isInert(page);
    }
    // Letters that turn what follows around are named, and a key stands apart from what is around it.
    assert.equal(await page.locator('#rows bdi').count(), KEYS.length);
    assert.equal(await page.locator('#rows .hidden-char', { hasText: 'U+202E' }).count(), 1);
  });

  await step('values', async () => {
    for (const value of VALUES) {
      await somebody.put('value', value);
      await openKey(page, 'value');
      await has(page, '#entry-title', 'value');
      for (const format of ['json', 'text', 'hex']) {
        const radio = page.locator(`input[name=format][value=${format}]`);
        if (await radio.isDisabled()) continue;
        await radio.check();
        const shown = await page.evaluate(() => document.getElementById('value').textContent.length);
        assert.ok(shown < 2_000_000, `${shown} characters are shown of ${value.length}`);
        if (format === 'text') assert.equal(await page.locator('#value').textContent(), seen(value));
        await isInert(page);
      }
      await page.locator('input[name=format][value=text]').check();
      await page.locator('#edit').click();
      assert.equal(await page.locator('#draft').inputValue(), value);
      await isInert(page);
      await page.locator('#cancel').click();
    }
  });

  await step('folders', async () => {
    await somebody.put('<b>:<i>/1', '1');
    await somebody.put('<b>:<i>/2', '2');
    await page.locator('#folders').check();
    await page.locator('#prefix').fill('<b>:');
    await page.locator('#list').click();
    await listed(page, ['<i>/']);
    await page.locator('#rows tr').click();
    await listed(page, ['1', '2']);
    assert.deepEqual(await page.locator('#crumbs button').allTextContents(), ['All', '<b>:', '<i>/']);
    await isInert(page);
  });

  await step('large', async () => {
    const value = JSON.stringify({ text: '<b>ä€😀</b>\u2028'.repeat(1_200) }).slice(0, 24_000);
    const bytes = new TextEncoder().encode(value).slice(0, 24_576);
    const text = new TextDecoder().decode(bytes).replaceAll('\ufffd', '');
    const whole = text.padEnd(text.length + 24_576 - new TextEncoder().encode(text).length, 'x');
    await somebody.put('large', whole);
    await openKey(page, 'large');
    await has(page, '#fact-size', '24,576 bytes');
    await page.locator('#edit').click();
    await page.locator('input[name=draft-format][value=hex]').check();
    await page.locator('input[name=draft-format][value=text]').check();
    assert.equal(await page.locator('#draft').inputValue(), whole);
    await page.locator('#draft').fill(`${whole}y`);
    await page.locator('#save').click();
    await has(page, '#editor-error', 'The value has 24577 bytes; the limit is 24576');
    const changed = `y${whole.slice(0, -1)}`;
    await page.locator('#draft').fill(changed);
    await save(page);
    assert.equal(await somebody.text('large'), changed);
  });

  await step('binary', async () => {
    const bytes = Uint8Array.from({ length: 24_576 }, (_, at) => (at * 7 + (at >> 8)) % 256);
    await somebody.put('binary', bytes);
    await openKey(page, 'binary');
    await has(page, '#value', /^000000 {2}00 07 0e 15/u);
    assert.ok(await page.locator('input[name=format][value=text]').isDisabled());
    await page.locator('#edit').click();
    const hex = await page.locator('#draft').inputValue();
    assert.equal(hex.replaceAll(/\s/gu, ''), Buffer.from(bytes).toString('hex'));
    await page.locator('input[name=draft-format][value=text]').click();
    await has(page, '#draft-state', 'These bytes are no text');
    await page.locator('#draft').press('Control+Home');
    for (const key of ['Delete', 'Delete', 'F', 'F']) await page.keyboard.press(key);
    await page.locator('#save').click();
    await has(page, '#value', /^000000 {2}ff 07 0e 15/u);
    bytes[0] = 255;
    assert.deepEqual((await somebody.get('binary')).bytes, bytes);
  });

  // What is refused above could not be done either way: the browser itself keeps text from becoming markup.
  await step('guard', async () => {
    const refused = await page.evaluate(() => {
      try {
        document.body.innerHTML = '<b>';
        return 'done';
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(refused, 'TypeError');
    assert.deepEqual(await page.evaluate(() => globalThis.violations.splice(0)), [
      'require-trusted-types-for',
    ]);
    // What was provoked is told on the browser's console as well, and is no more than that.
    await until(() => wrong.length > 0, 'word of the refusal');
    const told = wrong.splice(0);
    assert.ok(told.length === 1 && told[0].includes('TrustedHTML'), told.join());
    const framed = await fetch(`${gateway}/console/`);
    assert.match(framed.headers.get('content-security-policy'), /frame-ancestors 'none'/u);
  });
});
