// The documented API, and nothing else: what a key may not do, the console cannot do.

import { Countdown, now } from './clock.js';
import { credentials } from './session.js';

// Longer than a gateway takes to give up by itself.
const PATIENCE = 40_000;
const JSON_TYPE = 'application/json';
const BYTES_TYPE = 'application/octet-stream';
const root = new URL('../', document.baseURI);

/** The gateway answered that it will not, or cannot. */
export class Problem extends Error {
  constructor(status, body, wait) {
    super(body.message ?? `the gateway answered ${status}`);
    this.status = status;
    this.code = body.error ?? '';
    this.details = body.details ?? {};
    this.wait = wait;
  }
}

/** No answer came: nobody knows what became of the request. */
export class Lost extends Error {}

/** Whether a write that ended so may have been applied. */
export const isUnsure = (error) =>
  error instanceof Lost ||
  ['AMBIGUOUS', 'INTERNAL'].includes(error.code) ||
  (error.status >= 500 && !error.code);

/** What to tell a person. */
export function explain(error) {
  if (error instanceof Lost) return error.message;
  const wait = error.wait ? ` Come back in ${error.wait} s.` : '';
  return `${error.message}.${wait}${error.code ? ` (${error.code})` : ''}`;
}

async function send(method, path, { query = {}, headers = {}, body = undefined } = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(query)) if (value !== null) url.searchParams.set(name, value);
  let response;
  let bytes;
  try {
    response = await fetch(url, {
      method,
      body,
      headers: { ...credentials(), ...headers },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(PATIENCE),
    });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Lost(`No answer came from ${url.host}. Is the gateway there?`);
  }
  if (response.ok) return { response, bytes };
  let told = {};
  try {
    told = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // A proxy in between answers in its own words, and its status says enough.
  }
  throw new Problem(response.status, told, response.headers.get('retry-after'));
}

async function ask(method, path, options) {
  const { bytes } = await send(method, path, options);
  return JSON.parse(new TextDecoder().decode(bytes));
}

const json = (document) => ({ headers: { 'Content-Type': JSON_TYPE }, body: JSON.stringify(document) });
const store = (binding, what) => `v1/kv/${encodeURIComponent(binding)}/${what}`;
const unquoted = (tag) => tag?.slice(1, -1) ?? null;

/** What the caller may do. */
export const me = () => ask('GET', 'v1/me');

/** A page of keys. Each has a `countdown`. */
export async function scan(binding, { prefix, limit, cursor }) {
  const since = now();
  const page = await ask('GET', store(binding, 'scan'), { query: { prefix, limit, cursor, values: 'none' } });
  for (const item of page.items) item.countdown = new Countdown(item.ttlMillis ?? null, since);
  return page;
}

/** An entry with its value, or null if the key is not there. */
export async function read(binding, key) {
  const since = now();
  try {
    const { response, bytes } = await send('GET', store(binding, 'entry'), {
      query: { key },
      headers: { Accept: BYTES_TYPE },
    });
    const ttl = response.headers.get('larder-ttl-millis');
    const countdown = new Countdown(ttl === null ? null : Number(ttl), since);
    return { key, bytes, version: unquoted(response.headers.get('etag')), countdown };
  } catch (error) {
    if (error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** Stores bytes: over that version, or, if it is null, only where the key is absent. */
export async function write(binding, key, bytes, { version, ttlMillis, isJson }) {
  const condition = version === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${version}"` };
  const headers = { ...condition, 'Content-Type': isJson ? JSON_TYPE : BYTES_TYPE };
  await send('PUT', store(binding, 'entry'), { query: { key, ttlMillis }, headers, body: bytes });
}

/** Makes a key absent, if it has that version; whatever is there, if it is null. */
export async function remove(binding, key, version) {
  const headers = version === null ? {} : { 'If-Match': `"${version}"` };
  await send('DELETE', store(binding, 'entry'), { query: { key }, headers });
}

/** Gives an entry of that version another lifetime; null lets it stay. */
export async function touch(binding, key, version, ttlMillis) {
  const { headers, body } = json({ key, ttlMillis });
  await send('POST', store(binding, 'touch'), { headers: { ...headers, 'If-Match': `"${version}"` }, body });
}

/** What the gateway answered in the seconds after that one. */
export const stats = (after) => ask('GET', 'v1/stats', { query: { after } });

/** The scripts that are deployed. */
export const scripts = () => ask('GET', 'v1/operations/scripts');

/** Runs a script with an input that is JSON already. Gives what it returned, as JSON, and the id of its log if it has one. */
export async function run(script, input) {
  // As it was typed: a number that is parsed may lose digits.
  const body = `{"script":${JSON.stringify(script)}${input === '' ? '' : `,"input":${input}`}}`;
  const { response, bytes } = await send('POST', 'v1/operations/scripts', {
    headers: { 'Content-Type': JSON_TYPE },
    body,
  });
  return { text: new TextDecoder().decode(bytes), run: response.headers.get('larder-script-run') };
}

/** What a run logged, or null if that is not kept. */
export async function log(script, run) {
  const { items } = await ask('GET', `v1/operations/scripts/${encodeURIComponent(script)}/logs`, {
    query: { limit: '100' },
  });
  return items.find((item) => item.run === run) ?? null;
}
