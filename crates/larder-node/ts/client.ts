/**
 * The client of a gateway's plain API: results instead of exceptions.
 *
 * @packageDocumentation
 */
export { type Client, type ClientOptions, createClient } from "./client/create.js";
export type {
  Database, DataEntry, DataPage, DataPut, PutData, RunScript, ScanKey, ScanPrefix,
} from "./client/database.js";
export type { ClientError, Result } from "./client/result.js";
export { type ErrorKind, LarderError } from "./errors.js";
