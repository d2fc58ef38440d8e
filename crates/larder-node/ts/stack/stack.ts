import { writeFile } from "node:fs/promises";

import { checkResourceId } from "../check/id.js";
import { invalid, retold } from "../errors.js";
import { quoted } from "../text.js";
import type { KvResource } from "./resource.js";

/** The resources of an application. */
export class Stack {
  /** The resources, in the order in which they were given. */
  readonly resources: readonly KvResource[];

  /** @internal */
  constructor(resources: readonly KvResource[]) {
    this.resources = Object.freeze([...resources]);
  }

  /** What a stack file holds. */
  toJSON(): { resources: readonly KvResource[] } {
    return { resources: this.resources };
  }

  /** Writes the file that `larder plan` and `larder up` read; they find `stack.json` by themselves. */
  async write(path: string | URL = "stack.json"): Promise<void> {
    await writeFile(path, `${JSON.stringify(this, undefined, 2)}\n`);
  }
}

/**
 * The stack of these resources.
 *
 * ```ts
 * await stack(new Kv("cache").build(), new Kv("sessions").build()).write()
 * ```
 *
 * @throws `InvalidInput` for no resource, for one whose id is none, and for two whose ids are the same or would be found in
 * one variable.
 */
export function stack(...resources: KvResource[]): Stack {
  if (resources.length === 0) throw invalid('a stack lists at least one resource, as {"type":"kv","id":"cache"}');
  const found = new Map<string, string>();
  for (const [at, resource] of resources.entries()) {
    const id = idOf(resource, at + 1);
    const variable = variableOf(id);
    const other = found.get(variable);
    if (other === id) throw invalid(`resource ${at + 1}: ${quoted(id)} is there twice`);
    if (other !== undefined) {
      const both = `${quoted(other)} and ${quoted(id)}`;
      throw invalid(`resource ${at + 1}: ${both} would both be found in ${variable}; rename one of them`);
    }
    found.set(variable, id);
  }
  return new Stack(resources);
}

/** The id of a resource, which may be a plain object that nothing has looked at. */
function idOf(resource: KvResource, place: number): string {
  const { id } = (resource ?? {}) as Partial<KvResource>;
  return retold(() => checkResourceId(id), (_, message, facts) => invalid(`resource ${place}: ${message}`, facts));
}

function variableOf(id: string): string {
  return `LARDER_${id.toUpperCase().replaceAll("-", "_")}_BINDING`;
}
