import { longestTimerMs, parseTimeout } from "../headers.ts";
import { StatusError } from "../errors.ts";
import { Status } from "../transport.ts";
import type { Outbound } from "./outbound.ts";

/** What every served call does in the same way, over HTTP/2 or gRPC-web. */

/** Smaller answers are not worth counting against what all of them may hold. */
const countedAnswerBytes = 64 * 1024;

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

/** What one call has of the answers that wait for callers: who asks for much and reads nothing holds no more than its share (F42). */
export class AnswerShare {
  readonly #reserve: (bytes: number) => void;
  #held = 0;

  constructor(reserve: (bytes: number) => void) {
    this.#reserve = reserve;
  }

  /** Instead of what was held before; throws when nothing is left. */
  hold(bytes: number): void {
    const counted = bytes >= countedAnswerBytes ? bytes : 0;
    if (counted === this.#held) return;
    this.#reserve(counted - this.#held);
    this.#held = counted;
  }
}

/**
 * Writes answers as fast as they are taken. False where the call ended before they did. `share` counts what waits for the caller now: of callers
 * who read nothing a connection may have many. What still waits when the call ends is given back when its stream closes.
 */
export async function pumpAnswers(
  iterator: AsyncIterator<Uint8Array>,
  outbound: Outbound,
  isEnded: () => boolean,
  share: AnswerShare,
): Promise<boolean> {
  for (;;) {
    const step = await iterator.next();
    if (isEnded()) return false;
    if (step.done === true) return true;
    share.hold(step.value.length);
    if (!outbound.push(step.value)) await outbound.drained();
    if (isEnded()) return false;
    share.hold(0);
  }
}
