// The charts, and their numbers.

import assert from 'node:assert/strict';
import { gateway, has, inBrowser, somebody, step, until } from './browser.mjs';

for (let at = 0; at < 20; at += 1) await somebody.put(`k${at}`, 'x');
for (let at = 0; at < 3; at += 1) assert.equal((await fetch(`${gateway}/v1/kv/main/entry`)).status, 400);

await inBrowser(
  async (page) => {
    const numbers = async (chart) => {
      const cells = await page
        .locator('.chart')
        .nth(chart)
        .locator('tbody tr')
        .evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
      return cells;
    };
    const sum = (rows, at) => rows.reduce((all, row) => all + Number(row[at].replaceAll(',', '')), 0);

    await step('drawn', async () => {
      await until(
        async () => (await page.locator('.plot .line.series-0').first().getAttribute('d'))?.includes('L'),
        'a line',
      );
      assert.equal(await page.locator('.plot').count(), 3);
      assert.equal(await page.locator('.plot .line').count(), 5);
    });

    await step('numbers', async () => {
      for (const summary of await page.locator('.chart summary').all()) await summary.click();
      await until(async () => sum(await numbers(0), 1) >= 23, 'all requests');
      const before = sum(await numbers(0), 1);
      const errors = await numbers(2);
      assert.deepEqual([sum(errors, 1), sum(errors, 2)], [3, 0]);
      const times = (await numbers(1)).filter((row) => row[1] !== '–');
      assert.ok(
        times.length > 0 &&
          times.every((row) => /^[\d.,]+ ms$/u.test(row[1]) && /^[\d.,]+ ms$/u.test(row[2])),
        JSON.stringify(times),
      );
      // It goes on by itself.
      await somebody.put('more', 'x');
      await until(async () => sum(await numbers(0), 1) > before, 'one more request');
    });

    await step('cursor', async () => {
      const plot = page.locator('.plot').first();
      await plot.focus();
      await page.keyboard.press('Home');
      assert.equal(await plot.getAttribute('aria-valuenow'), '0');
      const oldest = (await numbers(0)).at(-1);
      assert.equal(await plot.getAttribute('aria-valuetext'), `${oldest[0]} Requests ${oldest[1]}`);
      await page.keyboard.press('ArrowRight');
      assert.equal(await plot.getAttribute('aria-valuenow'), '1');
      await plot.hover();
      await has(page, '#rate-title ~ .now', 'Requests');
    });

    await step('paused', async () => {
      await page.locator('#pause').click();
      assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true');
      const asked = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.locator('#pause').click();
      await until(() => asked.some((url) => url.includes('/v1/stats?after=')), 'it goes on');
    });

    // A gateway without scripts says so.
    await step('scripts', async () => {
      await page.locator('a[href="#scripts"]').click();
      await has(page, '#scripts-empty', 'This gateway runs no scripts.');
    });
  },
  { path: '/console/#traffic' },
);
