// Two people at one entry, and answers that are lost on the way.

import assert from 'node:assert/strict';
import { has, inBrowser, openKey, somebody, step, until } from './browser.mjs';

await inBrowser(async (page, { wrong }) => {
  const edit = async (key, text) => {
    await openKey(page, key);
    await page.locator('#edit').click();
    await page.locator('#draft').fill(text);
  };
  const typed = () => page.locator('#draft').inputValue();

  await step('both shown', async () => {
    await somebody.put('shared', 'one\ntwo\nthree');
    await edit('shared', 'one\nTWO\nthree');
    await somebody.put('shared', 'one\ntwo\nthree\nfour');
    await page.locator('#save').click();
    await has(page, '#conflict-title', 'Somebody changed the entry while you did');
    assert.equal(await typed(), 'one\nTWO\nthree');
    assert.equal(await page.locator('#theirs').textContent(), 'one\ntwo\nthree\nfour');
    assert.deepEqual(await page.locator('#theirs .differs').allTextContents(), ['two', 'four']);
    assert.equal(await somebody.text('shared'), 'one\ntwo\nthree\nfour');
    // Saving again, as it is, does not get around it.
    await page.locator('#save').click();
    await has(page, '#conflict-title', 'Somebody changed the entry while you did');
    assert.equal(await somebody.text('shared'), 'one\ntwo\nthree\nfour');
  });

  await step('overwritten', async () => {
    // Once more changed, after it was shown: what is stored over is what was seen, and nothing else.
    await somebody.put('shared', 'five');
    await page.locator('#overwrite').click();
    await has(page, '#theirs', 'five');
    assert.equal(await somebody.text('shared'), 'five');
    await page.locator('#overwrite').click();
    await has(page, '#value', 'TWO');
    assert.equal(await somebody.text('shared'), 'one\nTWO\nthree');
  });

  await step('gone', async () => {
    await edit('shared', 'still mine');
    await somebody.remove('shared');
    await page.locator('#save').click();
    await has(page, '#conflict-title', 'The entry is gone');
    assert.equal(await typed(), 'still mine');
    await page.locator('#overwrite').click();
    await has(page, '#value', 'still mine');
    assert.equal(await somebody.text('shared'), 'still mine');
  });

  await step('taken', async () => {
    await edit('shared', 'mine');
    await somebody.put('shared', 'theirs');
    await page.locator('#save').click();
    await has(page, '#theirs', 'theirs');
    await page.locator('#take').click();
    await page.locator('#ask-no').click();
    assert.equal(await typed(), 'mine');
    await page.locator('#take').click();
    await page.locator('#ask-yes').click();
    await has(page, '#value', 'theirs');
    assert.equal(await somebody.text('shared'), 'theirs');
  });

  await step('deleted meanwhile', async () => {
    await somebody.put('shared', 'changed');
    await page.locator('#remove').click();
    await page.locator('#ask-yes').click();
    await has(page, '#entry-error', 'so it was not deleted');
    await has(page, '#value', 'changed');
    assert.equal(await somebody.text('shared'), 'changed');
    await somebody.put('shared', 'again');
    await page.locator('#lifetime').click();
    await page.locator('#lifetime-ttl').fill('1h');
    await page.keyboard.press('Enter');
    await has(page, '#lifetime-error', 'The entry was changed or removed');
    assert.equal((await somebody.get('shared')).ttl, null);
    await page.keyboard.press('Escape');
  });

  const isPut = (url) => url.pathname.endsWith('/entry');
  await step('lost reply', async () => {
    await edit('shared', 'stored, and nobody told');
    await page.route(isPut, async (route) => {
      if (route.request().method() !== 'PUT') return route.continue();
      await route.fetch();
      return route.abort('connectionreset');
    });
    await page.locator('#save').click();
    // What is stored tells that it was.
    await has(page, '#value', 'stored, and nobody told');
    assert.equal(await somebody.text('shared'), 'stored, and nobody told');
  });

  await step('no answer', async () => {
    await page.unroute(isPut);
    await edit('shared', 'on its way');
    await page.route(isPut, (route) =>
      route.request().method() === 'PUT' ? route.abort('connectionrefused') : route.continue(),
    );
    await page.locator('#save').click();
    await has(page, '#editor-error', 'It is not stored so far. What you typed is still here');
    assert.equal(await typed(), 'on its way');
    await page.unroute(isPut);
    await page.route(isPut, (route) => route.abort('connectionrefused'));
    await page.locator('#save').click();
    await has(page, '#editor-error', 'It may have been stored, or not');
    assert.equal(await typed(), 'on its way');
    await page.unroute(isPut);
    await page.locator('#save').click();
    await has(page, '#value', 'on its way');
    assert.equal(await somebody.text('shared'), 'on its way');
  });

  await step('under way', async () => {
    const puts = [];
    await edit('shared', 'under way');
    await page.route(isPut, (route) =>
      route.request().method() === 'PUT' ? puts.push(route) : route.continue(),
    );
    await page.locator('#save').click();
    await until(() => puts.length > 0, 'the request that stores it');
    // Neither a second time, nor away from it: what becomes of it would be seen by nobody.
    await page.locator('#draft').press('Control+Enter');
    await page.locator('#draft').press('Control+Enter');
    for (const way of ['#cancel', '#entry-close', '#open']) {
      await page.locator('#editor-error').evaluate((error) => error.replaceChildren());
      await page.locator(way).click();
      await has(page, '#editor-error', 'It is being stored. Wait for the answer');
      assert.ok(!(await page.locator('#ask').isVisible()), way);
    }
    assert.equal(await typed(), 'under way');
    for (const put of puts) await put.continue();
    await has(page, '#value', 'under way');
    assert.equal(puts.length, 1);
    assert.equal(await somebody.text('shared'), 'under way');
    await page.unroute(isPut);
    await edit('shared', 'and once more');
    await page.locator('#save').click();
    await has(page, '#value', 'and once more');
  });
  assert.deepEqual(wrong, []);
});
