// A record that cannot be decoded, among others.

import assert from 'node:assert/strict';
import { has, inBrowser, listed, openKey, somebody, step } from './browser.mjs';

await inBrowser(async (page) => {
  await step('listed', async () => {
    await listed(page, ['a', 'b', 'c', 'd']);
    await has(page, '#rows .failed .end', 'cannot be read');
    assert.deepEqual(await page.locator('#rows .failed .key').allTextContents(), ['b', 'd']);
  });

  await step('told', async () => {
    await openKey(page, 'b');
    await has(page, '#entry-error', 'the stored record cannot be decoded');
    await has(page, '#entry-error', '(CORRUPT)');
    assert.ok(await page.locator('#edit').isHidden());
  });

  await step('mended', async () => {
    await page.locator('#remove').click();
    await has(page, '#ask-text', 'cannot be read');
    await page.locator('#ask-yes').click();
    await listed(page, ['a', 'c', 'd']);
    assert.equal(await somebody.text('b'), null);
  });

  await step('mended meanwhile', async () => {
    await openKey(page, 'd');
    await has(page, '#entry-error', '(CORRUPT)');
    await page.locator('#remove').click();
    await somebody.put('d', 'of somebody');
    await page.locator('#ask-yes').click();
    await has(page, '#entry-error', 'mended the record meanwhile');
    await has(page, '#value', 'of somebody');
    assert.equal(await somebody.text('d'), 'of somebody');
  });
});
