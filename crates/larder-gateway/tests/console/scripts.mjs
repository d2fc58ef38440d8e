// Running scripts, in real workers.

import assert from 'node:assert/strict';
import { barriers, gateway, has, inBrowser, step } from './browser.mjs';

const SCRIPTS = {
  totals: `export default async (input, { kv, log }) => {
    log(\`adds \${input.values.length}\`);
    console.warn('<img src=x onerror=alert(1)>');
    await kv.put('total', String(input.values.reduce((sum, value) => sum + value, 0)));
    return { total: await kv.getJson('total'), markup: '</pre><script>alert(2)</script>' };
  }`,
  quiet: 'export default () => {}',
  fails: `export default () => { console.log('before it'); throw new TypeError('<b>no such order</b>'); }`,
  endless: 'export default () => { for (;;); }',
};
for (const [name, source] of Object.entries(SCRIPTS)) {
  const headers = { 'Content-Type': 'application/javascript' };
  const response = await fetch(`${gateway}/v1/operations/scripts/${name}`, {
    method: 'PUT',
    headers,
    body: source,
  });
  assert.equal(response.status, 200, await response.text());
}

await inBrowser(
  async (page) => {
    const run = async (name, input) => {
      await page.locator('#script').selectOption(name);
      await page.locator('#input').fill(input);
      await page.locator('#run-button').click();
    };
    const logs = () => page.locator('#logs li').allTextContents();

    await step('listed', async () => {
      await has(page, '#script', 'totals');
      assert.deepEqual(await page.locator('#script option').allTextContents(), [
        'endless',
        'fails',
        'quiet',
        'totals',
      ]);
    });

    await step('damaged', () => has(page, '#scripts-error', /torn is damaged: .* \(CORRUPT\)/u));

    await step('returned', async () => {
      await run('totals', '{"values":[1,2,39]}');
      await has(page, '#result-title', /^totals returned after \d+ ms$/u);
      assert.equal(
        await page.locator('#output').textContent(),
        '{\n  "total": 42,\n  "markup": "</pre><script>alert(2)</script>"\n}',
      );
      assert.deepEqual(await logs(), ['infoadds 3', 'warn<img src=x onerror=alert(1)>']);
      assert.equal(await page.locator('#result img, #result script').count(), 0);
      assert.equal(await page.evaluate(() => document.activeElement.id), 'result-title');
      assert.deepEqual(await barriers(page), []);
      if (process.env.LARDER_WRITE_SHOTS)
        await page.screenshot({ path: `${process.env.LARDER_WRITE_SHOTS}/scripts.png` });
      await run('quiet', '');
      await has(page, '#result-title', 'quiet returned');
      assert.equal(await page.locator('#output').textContent(), 'null');
      await has(page, '#log-note', 'Nothing was logged.');
    });

    await step('failed', async () => {
      await run('fails', '');
      await has(page, '#result-title', 'fails failed');
      await has(page, '#output', 'SCRIPT_ERROR');
      await has(page, '#output', 'TypeError: <b>no such order</b>');
      assert.deepEqual(await logs(), ['infobefore it']);
      assert.equal(await page.locator('#result b').count(), 0);
      await run('endless', 'null');
      await has(page, '#output', 'SCRIPT_CPU_LIMIT');
      await has(page, '#log-note', 'Nothing was logged.');
    });

    await step('refused', async () => {
      await run('totals', '{"values":');
      await has(page, '#run-error', 'The input is no JSON');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'input');
      assert.equal(await page.locator('#input').inputValue(), '{"values":');
    });

    await step('keyboard', async () => {
      const focused = () => page.evaluate(() => document.activeElement.id);
      const tabTo = async (on) => {
        for (let steps = 0; (await focused()) !== on; steps += 1) {
          assert.ok(steps < 20, `${on} cannot be tabbed to`);
          await page.keyboard.press('Tab');
        }
      };
      await page.locator('#main').focus();
      await tabTo('script');
      await page.keyboard.type('tot');
      assert.equal(await page.locator('#script').inputValue(), 'totals');
      await tabTo('input');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('{"values":[40,3]}');
      await tabTo('run-button');
      await page.keyboard.press('Enter');
      await has(page, '#output', '"total": 43');
      assert.equal(await focused(), 'result-title');
    });
  },
  { path: '/console/#scripts' },
);

await step('looks', async () => {
  for (const colorScheme of ['light', 'dark']) {
    for (const [name, viewport] of [
      ['wide', { width: 1280, height: 800 }],
      ['narrow', { width: 390, height: 780 }],
    ]) {
      await inBrowser(
        async (page) => {
          await has(page, '#script', 'totals');
          await page.locator('#script').selectOption('totals');
          await page.locator('#input').fill('{"values":[1,2,39]}');
          await page.locator('#run-button').click();
          await has(page, '#output', '"total": 42');
          assert.deepEqual(await barriers(page), [], `${colorScheme} ${name}`);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `${overflow} px wider than the window, ${colorScheme} ${name}`);
          if (process.env.LARDER_WRITE_SHOTS)
            await page.screenshot({ path: `${process.env.LARDER_WRITE_SHOTS}/${colorScheme}-${name}-run.png` });
        },
        { path: '/console/#scripts', viewport, colorScheme },
      );
    }
  }
});
