import { readBody } from "./body.js";
import type { Endpoint } from "./endpoint.js";
import { type Failure, failureOf, intercepted, readProblem } from "./problem.js";

/** A request, whole, so that it can be sent again. */
export interface Call {
  method: "GET" | "PUT" | "POST" | "DELETE";
  /** The path under the gateway's URL, with its query. */
  path: string;
  headers?: Record<string, string> | undefined;
  body?: Uint8Array | string | undefined;
  /** Of a write that gives a lifetime: how it says another, so that sent again it gives no longer a life. */
  expiring?: Expiring | undefined;
}

/** The lifetime that a write gives. */
export interface Expiring {
  ttlMs: number;
  /** The parts of the request that say a lifetime. */
  saying: (ttlMs: number) => Pick<Call, "path" | "body">;
}

/** A gateway's answer, read to its end. */
export interface Reply {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** What an attempt came to. */
export type Attempt = { reply: Reply } | { failure: Failure };

/** The system's calls before anything is sent. What fails in another may have been sent, whatever the code is. */
const BEFORE_SENDING = new Set(["connect", "getaddrinfo"]);

/** Codes of errors that no call of the system makes, and that end an attempt before anything is sent. */
const NOT_SENT = new Set([
  "UND_ERR_CONNECT_TIMEOUT", "CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/**
 * Sends a request once, and reads the answer to its end within the time.
 *
 * Rejects only with the signal's reason.
 */
export async function attempt(
  endpoint: Endpoint,
  call: Call,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  signal?.throwIfAborted();
  const ending = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    ending.abort();
  }, timeoutMs);
  // The connection keeps the process. That this one does, too, would cost Node a fortieth of what a request takes.
  if (endpoint.isPlatforms) (timer as { unref?: () => void } | undefined)?.unref?.();
  const stop = signal && (() => ending.abort());
  if (stop) signal.addEventListener("abort", stop, { once: true });
  try {
    const response = await endpoint.send(call, ending.signal);
    return judge(response, await readBody(response));
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    if (isLate) return failed("Timeout", "the gateway did not answer in time", "unknown");
    return broken(cause);
  } finally {
    clearTimeout(timer);
    if (stop) signal.removeEventListener("abort", stop);
  }
}

function judge(response: Response, body: Uint8Array): Attempt {
  if (response.ok) return { reply: { status: response.status, headers: response.headers, body } };
  const problem = readProblem(response.status, new TextDecoder().decode(body));
  const failure = problem === undefined ? intercepted(response.status) : failureOf(problem);
  return { failure: { ...failure, status: response.status, retryAfterMs: retryAfterMs(response.headers) } };
}

function broken(cause: unknown): Attempt {
  const below = (cause as { cause?: NetworkError } | undefined)?.cause;
  if (below !== undefined && below !== null && wasNotSent(below)) {
    const why = typeof below.code === "string" ? ` (${below.code})` : "";
    return failed("Unavailable", `the gateway cannot be reached${why}`, "no", cause);
  }
  return failed("Unavailable", "the connection to the gateway broke, or there was none", "unknown", cause);
}

/** What platforms tell of a network error, where they do. */
interface NetworkError {
  code?: unknown;
  syscall?: unknown;
  /** Where several addresses were tried, the error of each. */
  errors?: unknown;
}

function wasNotSent({ code, syscall, errors }: NetworkError): boolean {
  if (Array.isArray(errors)) return errors.length > 0 && errors.every((one) => wasNotSent((one ?? {}) as NetworkError));
  if (typeof syscall === "string") return BEFORE_SENDING.has(syscall);
  return typeof code === "string" && NOT_SENT.has(code);
}

function failed(kind: Failure["kind"], message: string, applied: Failure["applied"], cause?: unknown): Attempt {
  return { failure: { kind, message, applied, cause } };
}

function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
}
