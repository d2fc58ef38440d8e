import type { ErrorKind } from "../errors.js";

/** The body of a gateway's error. */
export interface ProblemBody {
  error: string;
  message: string;
  statusCode: number;
  details?: Record<string, unknown>;
  validationErrors?: { field: string; error: string }[];
  requestId: string;
}

/** Why an attempt brought no answer. */
export interface Failure {
  kind: ErrorKind;
  message: string;
  /** Whether a write can have been applied: `no` is certain. */
  applied: "no" | "unknown";
  /** What the gateway said, if it was the gateway that spoke. */
  problem?: ProblemBody | undefined;
  /** The status of the answer, whoever gave it; none where there was no answer. */
  status?: number | undefined;
  /** How long it asked to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** The longest part of a message that is shown. */
const SHOWN = 300;

/** What each code of a gateway means: its kind here, and whether a write can have been applied. */
const CODES: ReadonlyMap<string, [kind: ErrorKind, applied: Failure["applied"]]> = new Map([
  ["VALIDATION_ERROR", ["InvalidInput", "no"]],
  ["PAYLOAD_TOO_LARGE", ["InvalidInput", "no"]],
  ["CONFLICT", ["InvalidInput", "no"]],
  ["UNAUTHORIZED", ["Unauthorized", "no"]],
  ["FORBIDDEN", ["Unauthorized", "no"]],
  ["NOT_FOUND", ["NotProvisioned", "no"]],
  ["BINDING_NOT_FOUND", ["NotConfigured", "no"]],
  ["ROUTE_NOT_FOUND", ["NotConfigured", "no"]],
  ["PRECONDITION_FAILED", ["InvalidInput", "no"]],
  ["RATE_LIMITED", ["Throttled", "no"]],
  ["STORE_THROTTLED", ["Throttled", "no"]],
  ["UNAVAILABLE", ["Unavailable", "no"]],
  ["TIMEOUT", ["Timeout", "no"]],
  ["STORE_UNUSABLE", ["NotProvisioned", "no"]],
  ["UNSUPPORTED", ["Unsupported", "no"]],
  ["CORRUPT", ["Corrupt", "no"]],
  ["AMBIGUOUS", ["Ambiguous", "unknown"]],
  ["INTERNAL", ["Internal", "unknown"]],
]);

/** The failure that a gateway's error body stands for. */
export function failureOf(problem: ProblemBody): Failure {
  const [kind, applied] = CODES.get(problem.error) ?? unknownCode(problem.statusCode);
  return { kind, message: `${plain(problem.message)} (${plain(problem.error)})`, applied, problem };
}

/** A code that is newer than this client. The gateway refuses before it begins, unless it failed in the middle. */
function unknownCode(status: number): [kind: ErrorKind, applied: Failure["applied"]] {
  return status >= 500 || status === 408 ? ["Internal", "unknown"] : ["Unsupported", "no"];
}

/** Reads the body of a reply that is no success: the gateway's errors have its form, a proxy's pages have not. */
export function readProblem(status: number, text: string): ProblemBody | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isProblem(body) && body.statusCode === status ? body : undefined;
}

/** Whether this is a gateway's error body. */
export function isProblem(body: unknown): body is ProblemBody {
  const given = (typeof body === "object" && body !== null ? body : {}) as Partial<Record<keyof ProblemBody, unknown>>;
  const isText = (field: unknown) => typeof field === "string";
  return isText(given.error) && isText(given.message) && isText(given.requestId) && typeof given.statusCode === "number";
}

/**
 * Not the gateway answered, but something before it, or something else is there. Whether it passed the request on before, it
 * does not say.
 */
export function intercepted(status: number): Failure {
  const what = `not a Larder gateway answered with HTTP ${status}, but something before it`;
  const failed = (kind: ErrorKind, hint = ""): Failure => ({ kind, message: what + hint, applied: "unknown" });
  if (status === 0 || (status >= 300 && status < 400)) {
    // Browsers hide the status of a redirect.
    return { kind: "NotConfigured", message: "the URL leads elsewhere: give the one it redirects to", applied: "unknown" };
  }
  if (status === 429) return failed("Throttled");
  if (status === 401 || status === 403 || status === 407) return failed("Unauthorized", ": does a proxy let nobody through?");
  if (status === 404) return failed("NotProvisioned", ": is the URL right?");
  if (status === 504) return failed("Timeout");
  if (status === 408 || status >= 500) return failed("Unavailable");
  return failed("Internal");
}

function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, "").slice(0, SHOWN);
}
