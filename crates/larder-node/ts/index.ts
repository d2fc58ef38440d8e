/**
 * One key-value API over DynamoDB, Firestore, Azure Tables and an embedded store.
 *
 * @packageDocumentation
 */
export { type ErrorKind, LarderError } from "./errors.js";
export * from "./kv.js";
export { kv, type LoadOptions } from "./native/kv.js";
