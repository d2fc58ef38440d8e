// Does what the samples of the plain API do, against the gateway whose address is given, and says what came through.

import assert from 'node:assert/strict';
import { createClient } from './client.mjs';

const sdk = createClient({ baseUrl: process.argv[2] });

async function put() {
  const preferences = { theme: 'dark', language: 'en', notifications: true };
  const key = 'user:preferences:usr_abc123';
  const result = await sdk.database.putData({ key, value: preferences, ttl: 86400 * 30 });
  assert.deepEqual(result, { ok: true, val: { key, stored: true } });
}

async function scan() {
  const result = await sdk.database.scanData({ key: 'user:preferences:usr_abc123' });
  assert.ok(result.ok);
  assert.equal(result.val.value.theme, 'dark');

  const pages = await sdk.database.scanData({ prefix: 'user:preferences:', limit: 100 });
  assert.ok(pages.ok);
  const seen = [];
  pages.val.items.forEach((item) => seen.push([item.key, item.value.language]));
  assert.deepEqual(seen, [['user:preferences:usr_abc123', 'en']]);
  assert.equal(pages.val.cursor, null);
}

async function remove() {
  const result = await sdk.database.deleteData({ key: 'user:preferences:usr_abc123' });
  assert.ok(result.ok);
  const gone = await sdk.database.scanData({ key: 'user:preferences:usr_abc123' });
  assert.equal(gone.ok, false);
}

async function session() {
  const key = 'session:7f3a';
  await sdk.database.putData({ key, value: { userId: 'usr_abc123', cart: [], lastActivity: Date.now() }, ttl: 3600 });
  const stored = await sdk.database.scanData({ key });
  assert.ok(stored.ok);
  assert.deepEqual(stored.val.value.cart, []);
}

async function cache() {
  let fetched = 0;
  async function productWithCache(id) {
    const key = `cache:product:${id}`;
    const cached = await sdk.database.scanData({ key });
    if (cached.ok && cached.val.value) return cached.val.value;
    fetched += 1;
    const product = { id, price: 9.5 };
    await sdk.database.putData({ key, value: product, ttl: 300 });
    return product;
  }
  assert.deepEqual(await productWithCache('p1'), { id: 'p1', price: 9.5 });
  assert.deepEqual(await productWithCache('p1'), { id: 'p1', price: 9.5 });
  assert.equal(fetched, 1);
}

async function rateLimit() {
  const mostRequests = 3;
  async function isAllowed(user, action) {
    const key = `ratelimit:${action}:${user}`;
    const result = await sdk.database.scanData({ key });
    const count = result.ok && result.val.value ? result.val.value.count : 0;
    if (count >= mostRequests) return false;
    await sdk.database.putData({ key, value: { count: count + 1 }, ttl: 60 });
    return true;
  }
  const allowed = [];
  for (let request = 0; request < 5; request += 1) allowed.push(await isAllowed('u', 'login'));
  assert.deepEqual(allowed, [true, true, true, false, false]);
}

async function flags() {
  async function isEnabled(feature) {
    const config = await sdk.database.scanData({ key: 'config:features' });
    return config.ok ? config.val.value[feature] === true : false;
  }
  assert.equal(await isEnabled('newCheckout'), false);
  const value = { newCheckout: true, darkMode: false, betaFeatures: ['feature-a', 'feature-b'] };
  await sdk.database.putData({ key: 'config:features', value });
  assert.equal(await isEnabled('newCheckout'), true);
  assert.equal(await isEnabled('darkMode'), false);
}

async function lock() {
  const key = 'lock:order-processing';
  async function acquire(ttl = 30) {
    const existing = await sdk.database.scanData({ key });
    if (existing.ok && existing.val.value) return false;
    await sdk.database.putData({ key, value: { lockId: crypto.randomUUID(), acquiredAt: Date.now() }, ttl });
    return true;
  }
  assert.equal(await acquire(), true);
  assert.equal(await acquire(), false);
  await sdk.database.deleteData({ key });
  assert.equal(await acquire(), true);
  // Looking first and storing then lets two in at once. This does not.
  const value = { lockId: crypto.randomUUID() };
  const tries = Array.from({ length: 8 }, () => sdk.database.putData({ key: 'lock:safe', value, ttl: 30, ifNotExists: true }));
  const stored = (await Promise.all(tries)).filter((result) => result.ok && result.val.stored);
  assert.equal(stored.length, 1);
}

async function errors() {
  const both = await sdk.database.scanData({ key: 'a', prefix: 'a' });
  assert.deepEqual([both.ok, both.val.error, both.val.statusCode], [false, 'VALIDATION_ERROR', 400]);
  assert.ok(both.val.validationErrors.map(({ field, error }) => `${field} ${error}`).length > 0);
  const missing = await sdk.database.scanData({ key: 'nobody' });
  assert.deepEqual([missing.ok, missing.val.error, missing.val.validationErrors], [false, 'NOT_FOUND', []]);
}

const samples = { put, scan, delete: remove, session, cache, 'rate limit': rateLimit, flags, lock, errors };
for (const [name, sample] of Object.entries(samples)) {
  await sample();
  console.log(`${name} ok`);
}
