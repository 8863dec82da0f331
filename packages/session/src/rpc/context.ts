import type { SlimName } from "@coterie/wire/slim";
import type { CallStart } from "./frame.ts";
import type { RpcSession, RpcTime } from "./port.ts";

/** What a handler knows of the call that it serves. */
export interface RpcContext {
  readonly sessionId: number;
  /** Who calls, with its id; the session has proven it. */
  readonly caller: SlimName;
  readonly service: string;
  readonly method: string;
  /** The session's and the call's own; the call's come first. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Unix milliseconds. */
  readonly deadlineMs: number;
  remainingMs(): number;
  /** Aborted when the caller has cancelled or left, when the deadline has passed, and when the server shuts down. */
  readonly signal: AbortSignal;
}

export function contextOf(
  session: RpcSession,
  caller: SlimName,
  start: CallStart,
  time: RpcTime,
  signal: AbortSignal,
): RpcContext {
  return {
    sessionId: session.id,
    caller,
    service: start.service,
    method: start.method,
    metadata: new Map([...session.metadata, ...start.metadata]),
    deadlineMs: start.deadlineMs,
    remainingMs: () => Math.max(0, start.deadlineMs - time.unixMs()),
    signal,
  };
}
