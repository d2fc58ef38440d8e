// Making, changing and removing entries.

import assert from 'node:assert/strict';
import { has, inBrowser, listed, openKey, save, somebody, step } from './browser.mjs';

await inBrowser(async (page) => {
  const open = (key) => openKey(page, key);

  await step('create', async () => {
    await has(page, '#list-empty', 'There are no entries yet.');
    await page.locator('#create').click();
    await page.locator('#new-key').fill('user:1');
    await page.locator('#draft').fill('{"a":1');
    await page.locator('#save').click();
    await has(page, '#editor-error', 'That is no JSON');
    await page.locator('#draft').fill('{"a":12345678901234567890.10}');
    await page.locator('#draft-ttl').fill('soon');
    await page.locator('#save').click();
    await has(page, '#editor-error', 'A lifetime is a number with');
    await page.locator('#draft-ttl').fill('1h 30m');
    await page.locator('#save').click();
    await has(page, '#entry-title', 'user:1');
    await has(page, '#value', '12345678901234567890.10');
    await has(page, '#fact-lifetime', '1h 30m');
    await listed(page, ['user:1']);
    assert.equal(await somebody.text('user:1'), '{"a":12345678901234567890.10}');
    assert.equal((await somebody.get('user:1')).ttl, '5400000');
  });

  await step('taken', async () => {
    await page.locator('#create').click();
    await page.locator('#new-key').fill('user:1');
    await page.locator('input[name=draft-format][value=text]').check();
    await page.locator('#draft').fill('mine');
    await page.locator('#save').click();
    await has(page, '#conflict-title', 'There is an entry with this key already');
    await has(page, '#theirs', '{"a":12345678901234567890.10}');
    assert.equal(await page.locator('#draft').inputValue(), 'mine');
    assert.equal(await somebody.text('user:1'), '{"a":12345678901234567890.10}');
    await page.locator('#cancel').click();
    await has(page, '#ask-title', 'Discard what you typed?');
    await page.locator('#ask-yes').click();
  });

  await step('edit', async () => {
    await open('user:1');
    await page.locator('#edit').click();
    // What is edited is the value as it is, and not as it was shown.
    assert.equal(await page.locator('#draft').inputValue(), '{"a":12345678901234567890.10}');
    await page.locator('#pretty').click();
    assert.equal(await page.locator('#draft').inputValue(), '{\n  "a": 12345678901234567890.10\n}');
    await page.locator('#draft').fill('{"a":2}');
    await page.locator('#draft').press('Control+Enter');
    await has(page, '#value', '"a": 2');
    assert.equal(await somebody.text('user:1'), '{"a":2}');
    // The lifetime is kept.
    const { ttl } = await somebody.get('user:1');
    assert.ok(ttl > 5_300_000 && ttl <= 5_400_000, ttl);
  });

  await step('bytes kept', async () => {
    const mark = '\ufeffbom and a last line\n';
    await somebody.put('mark', mark);
    await open('mark');
    await page.locator('#edit').click();
    await page.locator('#draft').press('End');
    await page.locator('#draft').fill(`${mark}more`);
    await save(page);
    assert.equal(await somebody.text('mark'), `${mark}more`);
    // A text field would make one line end of both: such a value is edited as hex.
    await somebody.put('ends', 'a\r\nb\rc\n');
    await open('ends');
    await page.locator('#edit').click();
    assert.equal(await page.locator('#draft').inputValue(), '61 0d 0a 62 0d 63 0a');
    await page.locator('#draft').fill('61 0d 0a 62 0d 63 0a 64');
    await page.locator('#save').click();
    await has(page, '#fact-size', '8 bytes');
    assert.equal(await somebody.text('ends'), 'a\r\nb\rc\nd');
    await somebody.put('empty', '');
    await open('empty');
    await has(page, '#value', 'Empty: 0 bytes');
  });

  await step('lifetime', async () => {
    await open('mark');
    await has(page, '#fact-lifetime', 'Stays');
    await page.locator('#lifetime').click();
    await page.locator('#lifetime-ttl').fill('0s');
    await page.keyboard.press('Enter');
    await has(page, '#lifetime-error', 'at least 1ms');
    await page.locator('#lifetime-ttl').fill('2d');
    await page.keyboard.press('Enter');
    await has(page, '#fact-lifetime', '2d 00h');
    assert.equal((await somebody.get('mark')).ttl, String(2 * 86_400_000));
    await page.locator('#lifetime').click();
    await page.locator('input[name=lifetime][value=never]').check();
    await page.keyboard.press('Enter');
    await has(page, '#fact-lifetime', 'Stays');
    assert.equal((await somebody.get('mark')).ttl, null);
    assert.equal(await somebody.text('mark'), '\ufeffbom and a last line\nmore');
  });

  await step('delete', async () => {
    await page.locator('#remove').click();
    await has(page, '#ask-subject', 'mark');
    await page.locator('#ask-no').click();
    assert.notEqual(await somebody.text('mark'), null);
    await page.locator('#remove').click();
    await page.locator('#ask-yes').click();
    await has(page, '#status', 'Deleted.');
    assert.equal(await somebody.text('mark'), null);
    await page.locator('#entry').waitFor({ state: 'hidden' });
    await open('mark');
    await has(page, '#entry-error', 'The key is not there.');
  });

  await step('pages', async () => {
    const keys = Array.from({ length: 120 }, (_, at) => `page/${String(at).padStart(3, '0')}`);
    await Promise.all(keys.map((key) => somebody.put(key, 'x')));
    const names = keys.map((key) => key.slice(5));
    await page.locator('#limit').selectOption('50');
    await page.locator('#prefix').fill('page/');
    await page.locator('#list').click();
    await listed(page, names.slice(0, 50));
    await page.locator('#next').click();
    await listed(page, names.slice(50, 100));
    await page.locator('#next').click();
    await listed(page, names.slice(100));
    await has(page, '#page', 'Page 3 · 20 entries');
    assert.ok(await page.locator('#next').isDisabled());
    await page.locator('#previous').click();
    await listed(page, names.slice(50, 100));
    await page.locator('#crumbs button').first().click();
    await listed(page, ['empty', 'ends', 'page/']);
    await has(page, '#rows .folder .end', '48 or more');
  });

  await step('stores', async () => {
    await somebody.put('elsewhere', '"x"', { binding: 'other' });
    await page.locator('#binding').selectOption('other');
    await listed(page, ['elsewhere']);
    await open('elsewhere');
    await has(page, '#value', '"x"');
    await page.locator('#binding').selectOption('main');
    await listed(page, ['empty', 'ends', 'page/']);
    assert.ok(await page.locator('#entry').isHidden());
  });
});
