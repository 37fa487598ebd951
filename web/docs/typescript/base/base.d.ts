/** Where the service is. */
export interface ServicePlace {
  /** Without one: http://127.0.0.1:8001 */
  url?: string;
  token?: string;
  /** In place of the global one. */
  fetch?: typeof fetch;
}

export interface CallOptions {
  /** Gives the call up. */
  signal?: AbortSignal;
}

export interface FollowOptions extends CallOptions {
  /** Milliseconds for which a service that went away is tried again; 60,000, if absent. */
  patience?: number;
  /** Whether `alive` is handed on, which comes after 15 seconds of silence. */
  alive?: boolean;
}

/** One of a stream's events. */
export interface ServerEvent<Data> {
  /** Of an entry, its kind; else `draft`, `durable`, `reset`, `deleted`, `alive`, `session`. */
  event: string;
  /** The place behind it: where another stream goes on, as its `after`. */
  id: string | undefined;
  data: Data;
}

/** Whatever goes wrong between the client and the service. */
export class AgentRuntimeError extends Error {}

/** Nobody answers at the address, or not in time. A write may have happened. */
export class ServiceUnreachable extends AgentRuntimeError {}

/** To `if_none_match`: the session is as it was. */
export class Unchanged extends AgentRuntimeError {}

/** The service answered, and did not do as it was asked. */
export class Refused extends AgentRuntimeError {
  readonly status: number;
  /** The whole answer: RFC 9457's members, and what this kind of refusal adds to them. */
  readonly problem: { [name: string]: unknown };
}

