import { LarderError } from "../errors.js";
import type { Call } from "./attempt.js";

/** Where a gateway is, and how it is asked. */
export interface EndpointOptions {
  /** The gateway: `https://…`, with a path if it is behind one. */
  url: string | URL;
  /** The API key that lets requests in; none for a gateway that asks for none. */
  apiKey?: string | undefined;
  /** What sends requests; the platform's `fetch` unless told. */
  fetch?: typeof globalThis.fetch | undefined;
  /**
   * Where requests may go without TLS, which hold the key and the values in the clear: to this machine only unless told, or
   * `anywhere`, where the network is trusted or encrypts by itself.
   */
  plainHttp?: "loopback" | "anywhere" | undefined;
  /** How long an operation may take with all its attempts, in milliseconds; 30,000 unless told. */
  timeoutMs?: number | undefined;
  /** How long one attempt may take, in milliseconds; 12,000 unless told, since a gateway itself tries for 10 s. */
  attemptTimeoutMs?: number | undefined;
}

const TIMEOUT_MS = 30_000;
const ATTEMPT_TIMEOUT_MS = 12_000;
/** The longest that timers can be set to. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const NAMES = ["url", "apiKey", "fetch", "plainHttp", "timeoutMs", "attemptTimeoutMs"];

/** A checked address, with the key that goes with it. Printing it shows no key. */
export class Endpoint {
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly #base: string;
  readonly #apiKey: string | undefined;
  readonly #fetch: typeof globalThis.fetch;
  /** Whether requests go by the global `fetch`, which is taken for the platform's own: its connections keep a process. */
  readonly isPlatforms: boolean;

  /** @throws `NotConfigured`, naming the option. */
  constructor(options: EndpointOptions) {
    if (typeof options !== "object" || options === null) throw unfit("the options are an object with a url");
    for (const name of Object.keys(options)) {
      if (!NAMES.includes(name)) throw unfit(`there is no option "${name.slice(0, 40)}"; known: ${NAMES.join(", ")}`);
    }
    this.#base = baseOf(options);
    this.#apiKey = checkApiKey(options.apiKey);
    this.timeoutMs = checkTimeout("timeoutMs", options.timeoutMs ?? TIMEOUT_MS);
    this.attemptTimeoutMs = checkTimeout("attemptTimeoutMs", options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS);
    this.isPlatforms = options.fetch === undefined;
    const given = options.fetch ?? globalThis.fetch;
    if (typeof given !== "function") throw unfit("there is no fetch here; give one as the option fetch");
    // Browsers refuse a fetch that is called as a method of something else.
    this.#fetch = (input, init) => given(input, init);
  }

  /** Sends one request. Rejects as `fetch` does. */
  send({ method, path, headers, body }: Call, signal: AbortSignal): Promise<Response> {
    // A redirect would take the key and the values somewhere else.
    const init: RequestInit = { method, redirect: "manual", signal };
    // Headers take platforms time, and without any they accept whatever there is. What others do then is not known.
    if (headers !== undefined || this.#apiKey !== undefined || !this.isPlatforms) {
      const authorization = this.#apiKey === undefined ? {} : { authorization: `Bearer ${this.#apiKey}` };
      init.headers = { accept: "*/*", ...headers, ...authorization };
    }
    if (body !== undefined) init.body = body as BodyInit;
    return this.#fetch(this.#base + path, init);
  }
}

function baseOf({ url, plainHttp }: EndpointOptions): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // Without the text: whoever mixes up two options gives a key here.
    throw unfit("url is no absolute URL; give one as https://gateway.example");
  }
  if (plainHttp !== undefined && plainHttp !== "loopback" && plainHttp !== "anywhere") {
    throw unfit('plainHttp is "loopback" or "anywhere"');
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") throw unfit("url begins with https:// or http://");
  if (parsed.username !== "" || parsed.password !== "") throw unfit("url holds credentials; give the key as apiKey");
  if (parsed.search !== "" || parsed.hash !== "") throw unfit("url has a query or a fragment; leave them out");
  if (parsed.protocol === "http:" && plainHttp !== "anywhere" && !isLoopback(parsed.hostname)) {
    throw unfit('url is plain HTTP to another machine; use https://, or say plainHttp: "anywhere"');
  }
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function checkApiKey(key: unknown): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key !== "string" || !/^[!-~]+$/.test(key)) {
    throw unfit("apiKey is not of visible ASCII characters, and it is sent in a header");
  }
  return key;
}

function checkTimeout(name: string, timeout: unknown): number {
  if (typeof timeout === "number" && timeout > 0 && timeout <= MAX_TIMEOUT_MS) return timeout;
  throw unfit(`${name} is a number of milliseconds above 0 and of at most ${MAX_TIMEOUT_MS}`);
}

/** What cannot be reached with the options that were given. */
export function unfit(message: string): LarderError {
  return new LarderError("NotConfigured", message);
}
