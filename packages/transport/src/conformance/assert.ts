import { invariant, toHex } from "@coterie/base";
import { TransportError } from "../errors.ts";

/** Fails the case unless both are the same value. */
export function same<T>(actual: T, expected: T, what: string): void {
  invariant(Object.is(actual, expected), `${what}: ${String(actual)}, not ${String(expected)}`);
}

export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  same(actual.length, expected.length, `${what}, length`);
  for (let i = 0; i < actual.length; i++) {
    if (actual[i] !== expected[i]) {
      invariant(false, `${what} at ${i}: ${toHex(actual.subarray(i, i + 8))}`);
    }
  }
}

/** The error of a call that has to fail. */
export async function failure(promise: Promise<unknown>, what: string): Promise<TransportError> {
  let error: unknown;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  invariant(error !== undefined, `${what}: did not fail`);
  invariant(error instanceof TransportError, `${what}: not a TransportError: ${String(error)}`);
  return error;
}

/** Reads a stream to its end; a failure is given back, not thrown. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<{
  readonly messages: readonly Uint8Array[];
  readonly error: TransportError | undefined;
}> {
  const messages: Uint8Array[] = [];
  try {
    for await (const message of stream) messages.push(message);
  } catch (error) {
    invariant(error instanceof TransportError, `not a TransportError: ${String(error)}`);
    return { messages, error };
  }
  return { messages, error: undefined };
}

/** A promise and how to settle it. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
} {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until a number stops moving, and gives it. */
export async function settled(read: () => number): Promise<number> {
  let last = -1;
  for (let calm = 0; calm < 10;) {
    await pause(10);
    const now = read();
    calm = now === last ? calm + 1 : 0;
    last = now;
  }
  return last;
}

/** Settles when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
