import type { Case } from "./case.js";
import { lists } from "./lists.js";
import { refusals } from "./refusals.js";
import { seed } from "./seed.js";
import { values } from "./values.js";
import { writes } from "./writes.js";

export { type Case, run } from "./case.js";

/** What holds on every store, over every transport. */
export const cases: Case[] = [...seed, ...values, ...writes, ...lists, ...refusals];
