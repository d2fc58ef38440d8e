// What the cases check with. They also run in a browser, which has no `node:assert`.

import { type ErrorKind, LarderError } from "@larder/kv/http";

/** Fails unless it is true. */
export function ok(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`not so: ${what}`);
}

/** Fails unless both are the same, part by part. */
export function equal(actual: unknown, expected: unknown): void {
  const [one, other] = [shown(actual), shown(expected)];
  if (one !== other) throw new Error(`it is ${one}, and should be ${other}`);
}

/** Fails unless it rejects with an error of that kind; returns the error. */
export async function rejects(work: Promise<unknown>, kind: ErrorKind): Promise<LarderError> {
  const outcome = await work.then((value) => `it resolved: ${shown(value)}`, (error: unknown) => error);
  if (typeof outcome === "string") throw new Error(`should be ${kind}, but ${outcome}`);
  if (!(outcome instanceof LarderError)) throw new Error(`should be ${kind}, but it rejected with ${String(outcome)}`);
  if (outcome.kind !== kind) throw new Error(`should be ${kind}, but it is ${outcome.kind}: ${outcome.message}`);
  return outcome;
}

/** Waits until something that only time brings about has come about; no clock of a store's process can be moved from here. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error("it did not come about in 15 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** All of a scan. */
export async function all<T>(scan: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of scan) found.push(one);
  return found;
}

function shown(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => {
      if (part === undefined) return "<undefined>";
      if (typeof part === "bigint") return `<${part}n>`;
      if (part instanceof Uint8Array) return `<bytes ${Array.from(part).join(" ")}>`;
      if (part instanceof Error) return `<${part.message}>`;
      return part;
    }) ?? "<undefined>"
  ).slice(0, 2_000);
}
