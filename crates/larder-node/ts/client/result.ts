/** What a call of the client comes to: what was asked for, or what went wrong, both in `val`. */
export type Result<T> = { ok: true; val: T } | { ok: false; val: ClientError };

/** What went wrong. */
export interface ClientError {
  /**
   * What, for programs: the gateway's own code, as `NOT_FOUND` or `VALIDATION_ERROR`; or `NETWORK_ERROR`, `TIMEOUT`, or
   * `AMBIGUOUS`, where no answer came. After `AMBIGUOUS` the request may have been carried out, or may still be.
   */
  error: string;
  /** The same for people. */
  message: string;
  /** The status of the last answer, also where a proxy gave it and no gateway; 0 where none came. */
  statusCode: number;
  /** What else is known. */
  details?: Record<string, unknown>;
  /** What was wrong with the request, part by part. */
  validationErrors?: { field: string; error: string }[];
}
