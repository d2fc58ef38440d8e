// Lifetimes, by a clock that the test moves.

import assert from 'node:assert/strict';
import { advance, has, inBrowser, somebody, step } from './browser.mjs';

await somebody.put('short', 'soon gone', { ttlMillis: 65_000 });
await somebody.put('long', 'stays a while', { ttlMillis: 3_600_000 });
await somebody.put('always', 'stays');

await inBrowser(
  async (page) => {
    const lifetime = (key) =>
      page.locator('#rows tr', { has: page.getByText(key, { exact: true }) }).locator('.end');

    await step('counts', async () => {
      await page.locator('#rows tr', { hasText: 'short' }).click();
      await has(page, '#fact-lifetime', /^1m 0[345]s$/u);
      await advance(page, 30_000);
      await has(page, '#fact-lifetime', /^3[345]s$/u);
      assert.match(await lifetime('short').textContent(), /^3[345]s$/u);
      assert.match(await lifetime('long').textContent(), /^59m/u);
      assert.equal(await lifetime('always').textContent(), '–');
    });

    await step('expires', async () => {
      await advance(page, 36_000);
      await has(page, '#fact-lifetime', 'Expired');
      await has(page, '#entry-error', 'The entry has expired: it is absent now.');
      // What it held is still to be seen, and nothing can be done with it.
      assert.equal(await page.locator('#value').textContent(), 'soon gone');
      assert.ok(await page.locator('#edit').isHidden());
      await page.locator('#rows', { hasText: 'short' }).waitFor({ state: 'detached' });
      assert.equal(await somebody.text('short'), null);
    });

    await step('given more', async () => {
      await page.locator('#rows tr', { hasText: 'long' }).click();
      await has(page, '#fact-lifetime', /^58m/u);
      await somebody.touch('long', 7_200_000);
      await advance(page, 3_600_000);
      // The gateway says how it is, and the page believes it.
      await has(page, '#fact-lifetime', /^(?:59m|1h 00m)/u);
      assert.equal(await page.locator('#entry-error').textContent(), '');
    });

    await step('draft kept', async () => {
      await page.locator('#edit').click();
      await page.locator('#draft').fill('typed in time');
      await advance(page, 3_700_000);
      await has(page, '#entry-error', 'The entry has expired');
      assert.equal(await page.locator('#draft').inputValue(), 'typed in time');
      await page.locator('#save').click();
      await has(page, '#editor-error', 'Nothing is left of its lifetime');
      await page.locator('#draft-ttl').fill('10m');
      await page.locator('#save').click();
      await has(page, '#conflict-title', 'The entry is gone');
      await page.locator('#overwrite').click();
      await has(page, '#value', 'typed in time');
      await has(page, '#fact-lifetime', /^(?:10m|9m)/u);
      assert.equal(await somebody.text('long'), 'typed in time');
    });
  },
  { clock: true },
);
