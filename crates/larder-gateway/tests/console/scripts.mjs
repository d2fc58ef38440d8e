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
  },
  { path: '/console/#scripts' },
);
