// A record that cannot be decoded, among others.

import assert from 'node:assert/strict';
import { has, inBrowser, listed, openKey, somebody, step } from './browser.mjs';

await inBrowser(async (page) => {
  await step('listed', async () => {
    await listed(page, ['a', 'b', 'c']);
    await has(page, '#rows .failed .end', 'cannot be read');
    assert.equal(await page.locator('#rows .failed .key').textContent(), 'b');
  });

  await step('told', async () => {
    await openKey(page, 'b');
    await has(page, '#entry-error', 'the stored record cannot be decoded');
    await has(page, '#entry-error', '(CORRUPT)');
    assert.ok(await page.locator('#edit').isHidden());
  });

  await step('mended', async () => {
    await page.locator('#remove').click();
    await page.locator('#ask-yes').click();
    await listed(page, ['a', 'c']);
    assert.equal(await somebody.text('b'), null);
  });
});
