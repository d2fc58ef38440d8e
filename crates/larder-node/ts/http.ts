/**
 * The HTTP transport alone: no addon, no dependency, nothing of Node.js.
 *
 * @packageDocumentation
 */
export { type ErrorKind, LarderError } from "./errors.js";
export type { EndpointOptions } from "./http/endpoint.js";
export { kv } from "./http/kv.js";
export * from "./kv.js";
