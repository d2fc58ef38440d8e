/**
 * What there is to be, for `larder plan` and `larder up`.
 *
 * @packageDocumentation
 */
export { type ErrorKind, LarderError } from "./errors.js";
export { Kv, type KvResource, type KvSettings } from "./stack/resource.js";
export { Stack, stack } from "./stack/stack.js";
