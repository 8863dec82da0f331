import { longestTimerMs, parseTimeout } from "../headers.ts";
import { StatusError } from "../errors.ts";
import { Status } from "../transport.ts";
import type { Outbound } from "./outbound.ts";

/** What every served call does in the same way, over HTTP/2 or gRPC-web. */

/** Smaller answers are not worth counting against what all of them may hold. */
export const countedAnswerBytes: number = 64 * 1024;

type Header = string | readonly string[] | undefined;

/** XND-05, SCN-03: why a call with these headers cannot be served, or the milliseconds it may take; undefined for any time. */
export function termsOf(
  headers: Readonly<Record<string, Header>>,
): StatusError | number | undefined {
  const encoding = headers["grpc-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return new StatusError(Status.unimplemented, "only identity encoding is supported");
  }
  const timeout = headers["grpc-timeout"];
  if (typeof timeout !== "string") return undefined;
  const ms = parseTimeout(timeout);
  if (ms === undefined) return new StatusError(Status.invalidArgument, "malformed grpc-timeout");
  return ms <= longestTimerMs ? ms : undefined;
}

/** Tells how long a call has not moved. */
export class StallWatch {
  #moves = 0;
  #seen = -1;
  #since = 0;

  moved(): void {
    this.#moves += 1;
  }

  /** Milliseconds since it moved last, as far as this was asked; `drains` are moves, too. */
  waited(now: number, drains: number): number {
    const moves = this.#moves + drains;
    if (moves !== this.#seen) {
      this.#seen = moves;
      this.#since = now;
    }
    return now - this.#since;
  }
}

/**
 * Writes answers as fast as they are taken. False where the call ended before they did. `hold` counts what waits for the caller now, as far as it
 * is large: of callers who read nothing a connection may have many (F42). What still waits when the call ends is given back when its stream closes.
 */
export async function pumpAnswers(
  iterator: AsyncIterator<Uint8Array>,
  outbound: Outbound,
  isEnded: () => boolean,
  hold: (bytes: number) => void,
): Promise<boolean> {
  for (;;) {
    const step = await iterator.next();
    if (isEnded()) return false;
    if (step.done === true) return true;
    const { length } = step.value;
    const counted = length >= countedAnswerBytes;
    if (counted) hold(length);
    if (!outbound.push(step.value)) await outbound.drained();
    if (isEnded()) return false;
    if (counted) hold(0);
  }
}
