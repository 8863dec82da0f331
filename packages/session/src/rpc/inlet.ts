import { RpcCode, RpcError } from "./status.ts";

/** SRP-11: what waits for a slow reader, of one call. */
const maxItems = 1024;
const maxBytes = 16_777_216;

/** Items of one call between who brings them and who reads them: a queue with an end. */
export interface Inlet<T> extends AsyncIterable<T> {
  /** False when there is no room: then the call has failed (SRP-11). */
  push(item: T, bytes: number): boolean;
  /** No more; what is in it can still be read. */
  end(): void;
  /** No more, and nothing of what is in it. */
  fail(error: RpcError): void;
  readonly isOver: boolean;
  readonly hasFailed: boolean;
}

export function createInlet<T>(): Inlet<T> {
  const items: { readonly item: T; readonly bytes: number }[] = [];
  let held = 0;
  let over = false;
  let failure: RpcError | undefined;
  let wake: (() => void) | undefined;

  const fail = (error: RpcError): void => {
    if (failure !== undefined || (over && items.length === 0)) return;
    failure = error;
    over = true;
    items.length = 0;
    wake?.();
  };

  return {
    get isOver() {
      return over;
    },
    get hasFailed() {
      return failure !== undefined;
    },
    push(item, bytes) {
      if (over) return true;
      if (items.length >= maxItems || held + bytes > maxBytes) {
        fail(new RpcError(RpcCode.ResourceExhausted, "more has come than was read"));
        return false;
      }
      items.push({ item, bytes });
      held += bytes;
      wake?.();
      return true;
    },
    end() {
      over = true;
      wake?.();
    },
    fail,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (failure !== undefined) throw failure;
        const first = items.shift();
        if (first !== undefined) {
          held -= first.bytes;
          yield first.item;
        } else if (over) {
          return;
        } else {
          await new Promise<void>((resolve) => (wake = resolve));
          wake = undefined;
        }
      }
    },
  };
}
