// Pages of others, on this machine, before a gateway that asks for no key.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { gateway, has, inBrowser, somebody, step, until } from './browser.mjs';

await somebody.put('secret', 'not for pages');
const { port } = new URL(gateway);

// A name that was made to point here: the page comes, and nothing that is in the stores.
await step('rebound', () =>
  inBrowser(
    async (page) => {
      await has(page, '#locked-title', 'The gateway cannot be used now');
      await has(page, '#unlock-error', 'the header Host must name this machine');
      const status = await page.evaluate(async () => (await fetch('/v1/kv/main/entry?key=secret')).status);
      assert.equal(status, 403);
    },
    {
      home: `http://rebound.example:${port}`,
      flags: ['--host-resolver-rules=MAP rebound.example 127.0.0.1'],
    },
  ),
);

const body = `<!doctype html><title>elsewhere</title><link rel="icon" href="data:,"><iframe src="${gateway}/console/"></iframe>`;
const server = createServer((request, response) => response.setHeader('Content-Type', 'text/html').end(body));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const elsewhere = `http://elsewhere.example:${server.address().port}/`;

const attack = async (page, { context, wrong }) => {
  await has(page, '#rows', 'secret');
  const other = await context.newPage();

  await step('framed', async () => {
    const said = [];
    other.on('console', (message) => said.push(message.text()));
    await other.goto(elsewhere);
    await until(() => said.some((text) => text.includes('frame-ancestors')), `a refusal, but ${said.join()}`);
    // What is in the frame instead is the browser's own page.
    for (const frame of other.frames().slice(1)) assert.ok(!frame.url().startsWith(gateway), frame.url());
  });

  await step('asked', async () => {
    const ask = (path, options) =>
      other.evaluate(
        async ([url, how]) => {
          try {
            const answer = await fetch(url, how);
            return `${answer.type} ${await answer.text()}`;
          } catch (error) {
            return error.name;
          }
        },
        [gateway + path, options],
      );
    assert.equal(await ask('/v1/kv/main/entry?key=secret'), 'TypeError');
    assert.equal(await ask('/v1/kv/main/entry?key=secret', { mode: 'no-cors' }), 'opaque ');
    assert.equal(await ask('/v1/kv/main/entry?key=secret', { method: 'DELETE' }), 'TypeError');
    assert.equal(
      await ask('/v1/kv/main/delete-many', { method: 'POST', mode: 'no-cors', body: '{"keys":["secret"]}' }),
      'opaque ',
    );
    assert.equal(await ask('/console/', { mode: 'no-cors' }), 'TypeError');
    assert.equal(await somebody.text('secret'), 'not for pages');
  });
  await other.close();
  // That page was meant to be elsewhere.
  const meant = wrong.splice(0).filter((what) => !what.startsWith(`a request to elsewhere: ${elsewhere}`));
  assert.deepEqual(meant, []);
};
await inBrowser(attack, { flags: ['--host-resolver-rules=MAP elsewhere.example 127.0.0.1'] });
server.close();
