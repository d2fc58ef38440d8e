import { checkResourceId } from "../check/id.js";
import { checkOptions } from "../check/options.js";
import { invalid } from "../errors.js";

/** A key-value store that there is to be, as `larder plan` and `larder up` read it. */
export interface KvResource {
  /** What kind of resource it is. */
  readonly type: "kv";
  /** The id that services load it by. */
  readonly id: string;
  /** How many shards its keys are spread over, on AWS and Azure. */
  readonly shards?: 1 | 4 | 16;
  /** Whether it cannot be removed, on AWS. */
  readonly deletionProtection?: boolean;
}

/** What can be settled of a store. */
export interface KvSettings {
  /** How many shards its keys are spread over, on AWS and Azure: 1, 4 or 16 (unless told). For good. */
  shards?: 1 | 4 | 16 | undefined;
  /** Whether the store cannot be removed, on AWS. As it is, unless told. */
  deletionProtection?: boolean | undefined;
}

/**
 * Declares a key-value store.
 *
 * ```ts
 * const cache = new Kv("cache").build()
 * ```
 */
export class Kv {
  readonly #resource: KvResource;

  /** @throws `InvalidInput` for an id that is not 1 to 64 characters of `A-Z a-z 0-9 - _`, and for an unknown setting. */
  constructor(id: string, settings?: KvSettings) {
    const { shards, deletionProtection } = checkOptions(settings, "shards", "deletionProtection");
    if (shards !== undefined && ![1, 4, 16].includes(shards)) throw invalid("shards must be 1, 4 or 16");
    if (deletionProtection !== undefined && typeof deletionProtection !== "boolean") {
      throw invalid("deletionProtection must be true or false");
    }
    this.#resource = Object.freeze({
      type: "kv",
      id: checkResourceId(id),
      ...(shards === undefined ? {} : { shards }),
      ...(deletionProtection === undefined ? {} : { deletionProtection }),
    });
  }

  /** The resource. */
  build(): KvResource {
    return this.#resource;
  }
}
