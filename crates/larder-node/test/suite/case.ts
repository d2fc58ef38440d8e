import type { Kv } from "@larder/kv/http";

/** What a case works on. */
export interface Store {
  /** A handle on the store, for all cases. */
  kv: Kv;
  /** Another handle on it. */
  open(): Promise<Kv>;
  /** A key of this case's own, of which the part after the prefix is given. */
  own(name: string): string;
}

/** Something that holds on every store, over every transport. */
export interface Case {
  name: string;
  run(store: Store): Promise<void>;
}

/** Runs one case on a store, with keys of its own. */
export async function run(one: Case, kv: Kv, open: () => Promise<Kv>): Promise<void> {
  const scope = crypto.randomUUID().slice(0, 8);
  await one.run({ kv, open, own: (name) => `${scope}:${name}` });
}
