import { quoted, shorten } from "./text.js";

/** What went wrong, in terms that a caller can act on: clause E1 of the contract. */
export type ErrorKind =
  /** The call's own arguments are out of bounds. Nothing was sent. */
  | "InvalidInput"
  /** No binding was found, or it cannot be used as it is written. */
  | "NotConfigured"
  /** The table, database, collection or directory is not there or holds no usable store. */
  | "NotProvisioned"
  /** The platform or the gateway refused the credentials, or they allow too little. */
  | "Unauthorized"
  /** Fewer requests are asked for. */
  | "Throttled"
  /** The store cannot be reached or cannot serve now. */
  | "Unavailable"
  /** The time was up, and nothing was applied. */
  | "Timeout"
  /** A write may have been applied, or may still be: read the key before you write again. */
  | "Ambiguous"
  /** A stored record, or a value in the form that was asked for, cannot be decoded. */
  | "Corrupt"
  /** This store, or this build, cannot do that. */
  | "Unsupported"
  /** A defect in Larder. */
  | "Internal";

/** What an error can say beside its kind and message. */
export interface ErrorFacts {
  /** Whether the same call can succeed later; by the kind unless told. */
  retryable?: boolean | undefined;
  /** What was being done: `put`, `get`, `scan`. */
  operation?: string | undefined;
  /** The binding that it was done to. */
  binding?: string | undefined;
  /** The whole key. */
  key?: string | undefined;
  /** What it is due to. */
  cause?: unknown;
}

/** The mark by which copies of this package, such as its ESM and its CommonJS form, know each other's errors. */
const MARK = Symbol.for("@larder/kv/error");

/**
 * A failed operation.
 *
 * Messages hold no value and no credential, and show keys shortened, since keys of sessions are secrets. The whole key is
 * in {@link LarderError.key}, which printing an error does not show.
 *
 * On a write, every kind except `Ambiguous` means that it was not applied and never will be.
 */
export class LarderError extends Error {
  /** What went wrong. */
  readonly kind: ErrorKind;
  /** Whether the same call can succeed later without anything being changed. False for `Ambiguous`. */
  readonly retryable: boolean;
  /** What was being done, where that is known: `put`, `get`, `scan`. */
  readonly operation: string | undefined;
  /** The binding that it was done to. */
  readonly binding: string | undefined;
  readonly #key: string | undefined;

  /** An error whose message is made from its parts, in one line. */
  constructor(kind: ErrorKind, message: string, facts: ErrorFacts = {}) {
    super(line(kind, message, facts), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "LarderError";
    this.kind = kind;
    this.retryable = facts.retryable ?? isRetryable(kind);
    this.operation = facts.operation;
    this.binding = facts.binding;
    this.#key = facts.key;
    Object.defineProperty(this, MARK, { value: true });
  }

  /** The whole key, where the error is about one. */
  get key(): string | undefined {
    return this.#key;
  }

  /** Whether a value is an error of this package, whichever copy of it made it. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // Classes below this one inherit it, and not every error is one of theirs.
    if (this !== LarderError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && MARK in value;
  }
}

/** Whether trouble of this kind usually passes without anything being changed: clause E4. */
export function isRetryable(kind: ErrorKind): boolean {
  return kind === "Throttled" || kind === "Unavailable" || kind === "Timeout";
}

/** An argument that is out of bounds. */
export function invalid(message: string, facts?: Pick<ErrorFacts, "cause">): LarderError {
  return new LarderError("InvalidInput", message, facts);
}

/** Does something; an error without operation and binding is told anew, by who knows what it is about. */
export function retold<T>(
  work: () => T,
  tell: (kind: ErrorKind, message: string, facts: Pick<ErrorFacts, "cause">) => LarderError,
): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LarderError)) throw error;
    // Without the kind, which stands before the message.
    throw tell(error.kind, error.message.slice(error.message.indexOf(": ") + 2), { cause: error.cause });
  }
}

/** The operation, the key (shortened), the binding, the kind, the message: as the errors of the Rust library. */
function line(kind: ErrorKind, message: string, { operation, key, binding }: ErrorFacts): string {
  const words = kind.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
  const what = `${words}: ${message}`;
  if (operation === undefined) return binding === undefined ? what : `binding "${binding}": ${what}`;
  const of = key === undefined ? "" : ` ${quoted(shorten(key))}`;
  const on = binding === undefined ? "" : ` on "${binding}"`;
  return `${operation}${of}${on}: ${what}`;
}
