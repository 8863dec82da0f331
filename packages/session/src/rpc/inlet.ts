import { RpcCode, RpcError } from "./status.ts";

/** SRP-11: what waits unread, as much as a session itself holds: messages of one call, bytes of all calls of a session. */
const maxItems = 16_384;
const maxBytes = 67_108_864;

/** What the calls of one session hold together. */
export interface Budget {
  held: number;
}

/** Items of one call between who brings them and who reads them: a queue with an end. */
export interface Inlet<T> extends AsyncIterable<T> {
  /** False when there is no room: then the call has failed (SRP-11). */
  push(item: T, bytes: number): boolean;
  /** No more; what is in it can still be read. */
  end(): void;
  /** No more, and nothing of what is in it. */
  fail(error: RpcError): void;
  /** Nobody reads any more. */
  close(): void;
  readonly isOver: boolean;
  readonly hasFailed: boolean;
}

export function createInlet<T>(budget: Budget): Inlet<T> {
  const items: { readonly item: T; readonly bytes: number }[] = [];
  let over = false;
  let failure: RpcError | undefined;
  let wake: (() => void) | undefined;

  const clear = (): void => {
    for (const { bytes } of items.splice(0)) budget.held -= bytes;
  };
  const end = (): void => {
    over = true;
    wake?.();
  };
  const fail = (error: RpcError): void => {
    if (failure !== undefined || (over && items.length === 0)) return;
    failure = error;
    clear();
    end();
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
      if (items.length >= maxItems || budget.held + bytes > maxBytes) {
        fail(new RpcError(RpcCode.ResourceExhausted, "more has come than was read"));
        return false;
      }
      items.push({ item, bytes });
      budget.held += bytes;
      wake?.();
      return true;
    },
    end,
    fail,
    close() {
      clear();
      end();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (failure !== undefined) throw failure;
        const first = items.shift();
        if (first !== undefined) {
          budget.held -= first.bytes;
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
