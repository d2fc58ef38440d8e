import { type ErrorFacts, type ErrorKind, LarderError } from "../errors.js";

/** The parts of an error of the addon. */
export interface NativeFailure {
  kind: ErrorKind;
  message: string;
  retryable: boolean;
  operation?: string;
  binding?: string;
  key?: string;
  /** What it is due to, the nearest first. */
  causes: string[];
}

/** The error that an exception of the addon stands for. */
export function thrownBy(exception: unknown): unknown {
  // Not by its class: it may be of another realm than this package.
  const message = (exception as { message?: unknown } | null | undefined)?.message;
  if (typeof message !== "string") return exception;
  let parts: unknown;
  try {
    parts = JSON.parse(message);
  } catch {
    return new LarderError("Internal", "the addon failed", { cause: exception });
  }
  return isFailure(parts) ? errorOf(parts) : new LarderError("Internal", "the addon failed", { cause: exception });
}

/** The error of these parts; of the operation, binding and key that are given where the parts do not tell. */
export function errorOf(parts: NativeFailure, facts: ErrorFacts = {}): LarderError {
  const { kind, message, causes, retryable } = parts;
  const cause = causes.reduceRight<Error | undefined>(
    (below, text) => (below === undefined ? new Error(text) : new Error(text, { cause: below })),
    undefined,
  );
  const operation = parts.operation ?? facts.operation;
  const binding = parts.binding ?? facts.binding;
  return new LarderError(kind, message, { retryable, operation, binding, key: parts.key ?? facts.key, cause });
}

/** Whether these are an error's parts. */
export function isFailure(parts: unknown): parts is NativeFailure {
  return typeof parts === "object" && parts !== null && "kind" in parts && "causes" in parts;
}
