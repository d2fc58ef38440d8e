// How it looks: axe-core finds no barrier, in either scheme, wide or narrow, in any view.

import assert from 'node:assert/strict';
import { barriers, has, inBrowser, somebody, step } from './browser.mjs';

const folder = process.env.LARDER_WRITE_SHOTS;
/** Those that are in docs/, and their names there. */
const DOCUMENTS = { 'light-wide-entry': 'console-light', 'dark-wide-conflict': 'console-dark' };
const docs = new URL('../../../../docs/', import.meta.url).pathname;
const shot = async (page, name) => {
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
  if (process.env.LARDER_WRITE_DOCUMENTS && DOCUMENTS[name])
    await page.screenshot({ path: `${docs}${DOCUMENTS[name]}.png` });
};

const HOUR = 3_600_000;
const FLAGS =
  '{"newCheckout":true,"darkMode":false,"betaFeatures":["feature-a","feature-b"],"limits":{"uploads":25,"ratio":0.75}}';
for (let at = 0; at < 12; at += 1) {
  await somebody.put(
    `session:7f3a${at}`,
    JSON.stringify({ user: `usr_${at}`, cart: [1, 2.5], isGuest: at % 2 === 0, lastSeen: null }),
    { ttlMillis: HOUR + at * 977_000 },
  );
  await somebody.put(
    `user:${100 + at}:profile`,
    JSON.stringify({ name: `Person ${at}`, theme: 'dark', tags: ['a', 'b'] }),
  );
  await somebody.put(`cache/products/${at}`, `{"id":"p${at}","price":9.5}`, { ttlMillis: 300_000 });
}
await somebody.put('lock:order-processing', 'worker-1', { ttlMillis: 28_000 });
await somebody.put('maintenance', 'off');

for (const scheme of ['light', 'dark']) {
  for (const [name, viewport] of [
    ['wide', { width: 1280, height: 800 }],
    ['narrow', { width: 390, height: 780 }],
  ]) {
    await step(`${scheme} ${name}`, () =>
      inBrowser(
        async (page) => {
          const clean = async (what) => {
            assert.deepEqual(await barriers(page), [], `${what}, ${scheme} ${name}`);
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(overflow <= 0, `${what} is ${overflow} px wider than the window, ${scheme} ${name}`);
            await shot(page, `${scheme}-${name}-${what}`);
          };
          await somebody.put('config:features', FLAGS, { ttlMillis: 41 * HOUR });
          await page.locator('#reload').click();
          await has(page, '#rows', 'maintenance');
          await clean('list');
          await page.locator('#rows tr', { hasText: 'config:' }).click();
          await has(page, '#value', 'betaFeatures');
          await clean('entry');
          await page.locator('#edit').click();
          await page.locator('#draft').fill('{\n  "newCheckout": false,\n  "darkMode": false\n}');
          await somebody.put('config:features', '{\n  "newCheckout": true,\n  "darkMode": false\n}', {
            ttlMillis: 41 * HOUR,
          });
          await clean('editor');
          await page.locator('#save').click();
          await has(page, '#conflict-title', 'Somebody changed');
          await clean('conflict');
          await page.locator('#overwrite').click();
          await has(page, '#value', 'false');
          await page.locator('#lifetime').click();
          await clean('lifetime');
          await page.keyboard.press('Escape');
          await page.locator('#remove').click();
          await clean('question');
          await page.keyboard.press('Escape');
          await page.locator('a[href="#traffic"]').click();
          await has(page, '#rate-title ~ .now', 'Requests');
          await page.locator('.chart summary').first().click();
          await clean('traffic');
          await page.locator('a[href="#scripts"]').click();
          await has(page, '#scripts', /no scripts|No script|Input/u);
          await clean('scripts');
        },
        { viewport, colorScheme: scheme },
      ),
    );
  }
}
