// A browser with the console in it. Whatever goes wrong in the page, or leaves it, fails the script at its end.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const modules = createRequire(`${process.env.LARDER_PLAYWRIGHT}/node_modules/`);
const { chromium } = modules('playwright-core');

export const gateway = process.env.GATEWAY;
export const keys = process.env.KEY.split(' ').filter(Boolean);
const WIDE = { width: 1280, height: 800 };

/** Opens the console, runs `scene` and sees that nothing went wrong. */
export async function inBrowser(
  scene,
  { path = '/console/', home = gateway, clock = false, flags = [], ...options } = {},
) {
  // Without its sandbox where root runs it, since Chromium refuses that otherwise.
  const args = [...(process.getuid() === 0 ? ['--no-sandbox'] : []), ...flags];
  const browser = await chromium.launch({ executablePath: process.env.LARDER_CHROMIUM, args });
  try {
    const context = await browser.newContext({ viewport: WIDE, reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const wrong = await watch(context, page, home);
    if (clock) await page.clock.install();
    await page.goto(home + path);
    await scene(page, { context, wrong });
    assert.deepEqual(await page.evaluate(() => globalThis.violations), [], 'the policy was violated');
    assert.deepEqual(wrong, []);
  } finally {
    await browser.close();
  }
}

async function watch(context, page, home) {
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`an error in the page: ${error.stack}`));
  page.on('dialog', (dialog) => wrong.push(`a script ran: ${dialog.type()} ${dialog.message()}`));
  page.on('console', (message) => {
    // A refusal is told so as well, and is asked for in many scenes.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      wrong.push(message.text());
  });
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== home) wrong.push(`a request to elsewhere: ${request.url()}`);
  });
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      globalThis.violations.push(event.violatedDirective),
    );
  });
  return wrong;
}

/** Says that something was done, and does it. */
export async function step(name, action) {
  await action();
  console.log(name);
}

/** Waits until it is so. */
export async function until(isSo, what) {
  const end = Date.now() + 20_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < end, `never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until an element has this text. */
export async function has(page, selector, text) {
  const locator = page.locator(selector);
  await until(
    async () => {
      const found = await locator.allTextContents();
      return found.some((one) => (text instanceof RegExp ? text.test(one) : one.includes(text)));
    },
    `${text} in ${selector}, which has ${JSON.stringify(await locator.allTextContents())}`,
  );
}

/** Opens an entry by its key, and waits until the gateway has answered. */
export async function openKey(page, key) {
  await page.locator('#prefix').fill(key);
  const answer = page.waitForResponse(
    (response) => response.request().method() === 'GET' && response.url().includes('/entry?key='),
  );
  await page.locator('#open').click();
  await answer;
  await page.locator('#entry:not([aria-busy])').waitFor();
}

/** Saves what is edited, and waits until it is stored: an earlier one may have been told of in the same words. */
export async function save(page) {
  const answer = page.waitForResponse((response) => response.request().method() === 'PUT');
  await page.locator('#save').click();
  assert.equal((await answer).status(), 200);
  await has(page, '#status', 'Stored.');
}

/** The texts of the rows of the list, as people see them. */
export const rows = (page) => page.locator('#rows .key').allTextContents();

/** Waits until these are the rows. */
export async function listed(page, expected) {
  await until(
    async () => JSON.stringify(await rows(page)) === JSON.stringify(expected),
    `${JSON.stringify(expected)}, but ${JSON.stringify(await rows(page))}`,
  );
}

/** Somebody else, who uses the API. */
export const somebody = {
  url: (key, binding = 'main', more = '') =>
    `${gateway}/v1/kv/${binding}/entry?key=${encodeURIComponent(key)}${more}`,
  async put(key, value, { binding, ttlMillis } = {}) {
    const url = somebody.url(key, binding, ttlMillis ? `&ttlMillis=${ttlMillis}` : '');
    const response = await fetch(url, { method: 'PUT', body: value, headers: bearer() });
    assert.equal(response.status, 200, await response.text());
  },
  async get(key, binding) {
    const response = await fetch(somebody.url(key, binding), { headers: bearer() });
    if (response.status === 404) return null;
    assert.equal(response.status, 200);
    return {
      bytes: new Uint8Array(await response.arrayBuffer()),
      ttl: response.headers.get('larder-ttl-millis'),
    };
  },
  async text(key, binding) {
    const entry = await somebody.get(key, binding);
    return entry && new TextDecoder('utf-8', { ignoreBOM: true }).decode(entry.bytes);
  },
  async remove(key) {
    assert.equal((await fetch(somebody.url(key), { method: 'DELETE', headers: bearer() })).status, 204);
  },
  async touch(key, ttlMillis) {
    const headers = { ...bearer(), 'Content-Type': 'application/json' };
    const body = JSON.stringify({ key, ttlMillis });
    assert.equal((await fetch(`${gateway}/v1/kv/main/touch`, { method: 'POST', headers, body })).status, 200);
  },
};

const bearer = () => (keys.length ? { Authorization: `Bearer ${keys[0]}` } : {});

/** Moves the clock of the gateway, and that of the page. */
export async function advance(page, millis) {
  assert.equal((await fetch(`${process.env.CLOCK}/advance/${millis}`, { method: 'POST' })).status, 200);
  await page.clock.fastForward(millis);
}

/** What keeps people from using the page as it is now, by axe-core. */
export async function barriers(page) {
  const axe = readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html} ${node.failureSummary}`),
  );
}
