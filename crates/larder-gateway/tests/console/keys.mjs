// An API key: what it opens, and where it is not.

import assert from 'node:assert/strict';
import { has, inBrowser, keys, listed, openKey, somebody, step } from './browser.mjs';

const [whole, tenant, reader] = keys;
await somebody.put('mine', '"x"');
await somebody.put('tenant-1:theirs', '"y"');

/** Everything that a page can leave something in, but for the memory of its scripts. */
const places = (page) =>
  page.evaluate(async () => ({
    url: location.href,
    history: history.length + JSON.stringify(history.state),
    local: JSON.stringify(localStorage),
    session: JSON.stringify(sessionStorage),
    cookies: document.cookie,
    databases: JSON.stringify(await indexedDB.databases()),
    caches: JSON.stringify(await caches.keys()),
    page: document.documentElement.outerHTML,
    fields: JSON.stringify(
      [...document.querySelectorAll('input, textarea, select')].map((field) => field.value),
    ),
    globals: JSON.stringify(
      Object.getOwnPropertyNames(globalThis)
        .filter((name) => typeof globalThis[name] === 'string')
        .map((name) => globalThis[name]),
    ),
  }));

await inBrowser(async (page, { context }) => {
  const asked = [];
  context.on('request', (request) => asked.push(request));
  const unlock = async (key) => {
    await page.locator('#key').fill(key);
    await page.keyboard.press('Enter');
  };

  await step('wrong key', async () => {
    await has(page, '#locked-title', 'This gateway wants an API key');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'key');
    await unlock('no key');
    await has(page, '#unlock-error', 'An API key has no spaces');
    await unlock('kv_0000000000000000_AAAA');
    await has(page, '#unlock-error', 'not known here');
    assert.equal(await page.locator('#key').inputValue(), '');
    assert.ok(await page.locator('#entries').isHidden());
  });

  await step('let in', async () => {
    await unlock(whole);
    await has(page, '#who', `Key ${whole.split('_')[1]}`);
    await listed(page, ['mine', 'tenant-1:theirs']);
    await page.locator('#rows tr', { hasText: 'mine' }).click();
    await has(page, '#value', '"x"');
    await page.locator('a[href="#traffic"]').click();
    await has(page, '.chart .now', 'Requests');
  });

  await step('nowhere', async () => {
    const secret = whole.split('_').slice(2).join('_');
    const search = async () => {
      for (const [place, found] of Object.entries(await places(page))) {
        assert.ok(!found.includes(secret), `the key is in: ${place}`);
      }
    };
    await search();
    // What is left behind in the history is there as well.
    await page.goBack();
    await page.locator('#entries').waitFor();
    await search();
    await page.goForward();
    assert.deepEqual(await context.cookies(), []);
    const withKey = asked.filter((request) => (request.headers().authorization ?? '').includes(secret));
    assert.ok(withKey.length > 3);
    for (const request of asked) {
      assert.ok(
        !request.url().includes(secret) && !(request.postData() ?? '').includes(secret),
        request.url(),
      );
      assert.ok(!request.headers().referer, request.headers().referer);
    }
    // The files are fetched without it.
    for (const request of asked.filter((one) => one.url().includes('/console/')))
      assert.equal(request.headers().authorization, undefined);
  });

  await step('forgotten', async () => {
    await page.locator('#forget').click();
    await has(page, '#locked-title', 'This gateway wants an API key');
    assert.ok(await page.locator('#traffic').isHidden());
    await page.reload();
    await has(page, '#locked-title', 'This gateway wants an API key');
    assert.equal(await page.locator('#rows tr').count(), 0);
  });

  await step('narrow key', async () => {
    await page.locator('#key').fill(tenant);
    await page.keyboard.press('Enter');
    await has(page, '#who', 'in tenant-1 · read, scan');
    await has(page, '#traffic-error', 'for keys without a namespace');
    await page.locator('a[href="#entries"]').click();
    await listed(page, ['theirs']);
    await page.locator('#rows tr').click();
    await has(page, '#value', '"y"');
    for (const button of ['#create', '#edit', '#lifetime', '#remove'])
      assert.ok(await page.locator(button).isHidden(), button);
  });

  await step('without scan', async () => {
    await page.locator('#forget').click();
    await unlock(reader);
    await has(page, '#list-error', 'it lacks the permission "scan"');
    await openKey(page, 'mine');
    await has(page, '#value', '"x"');
    await page.locator('a[href="#scripts"]').click();
    await has(page, '#scripts-error', 'it lacks the permission "scripts:run"');
  });
});
