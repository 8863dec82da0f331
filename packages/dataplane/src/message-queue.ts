/** What a connection may hold for a peer that reads slowly (SCN-05). */
export interface QueueLimits {
  readonly messages: number;
  readonly bytes: number;
  /** How long it may stay full before the peer counts as gone, in milliseconds. */
  readonly stalledMs: number;
}

/** Messages on their way to one peer: whoever puts waits while it is full, so that a slow reader slows its senders. */
export interface MessageQueue extends AsyncIterable<Uint8Array> {
  /** At once, or a promise while the box is full. Whatever is put into a closed box is dropped. */
  put(message: Uint8Array): Promise<void> | undefined;
  /** The next one, if it is there. */
  take(): Uint8Array | undefined;
  /** Settles once there is something to take, or nothing will come. */
  ready(): Promise<void>;
  close(error?: Error): void;
  /** Settles once the box is closed, by whomever. */
  readonly closed: Promise<void>;
  /** Settles once it is closed and empty, or nobody reads it any more. */
  readonly drained: Promise<void>;
  readonly length: number;
}

export function createMessageQueue(limits: QueueLimits, stalled: () => Error): MessageQueue {
  let queue: Uint8Array[] = [];
  let taken = 0;
  let bytes = 0;
  let closed: { readonly error: Error | undefined } | undefined;
  let announce: () => void;
  const whenClosed = new Promise<void>((resolve) => (announce = resolve));
  let announceDrained: () => void;
  const drained = new Promise<void>((resolve) => (announceDrained = resolve));
  let readable: (() => void)[] = [];
  let writable: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const length = (): number => queue.length - taken;
  const isFull = (): boolean => length() >= limits.messages || bytes >= limits.bytes;
  const relieve = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const waiting = writable;
    writable = [];
    for (const wake of waiting) wake();
  };
  const announceReadable = (): void => {
    if (readable.length === 0) return;
    const waiting = readable;
    readable = [];
    for (const wake of waiting) wake();
  };
  const ready = (): Promise<void> =>
    length() > 0 || closed !== undefined
      ? Promise.resolve()
      : new Promise((resolve) => readable.push(resolve));
  const close = (error?: Error): void => {
    if (closed !== undefined) return;
    closed = { error };
    announce();
    relieve();
    announceReadable();
  };
  const take = (): Uint8Array | undefined => {
    const message = queue[taken];
    if (message === undefined) return undefined;
    taken += 1;
    bytes -= message.length;
    if (taken === queue.length) {
      queue = [];
      taken = 0;
    } else if (taken === 1024) {
      queue = queue.slice(taken);
      taken = 0;
    }
    if (writable.length > 0 && !isFull()) relieve();
    return message;
  };

  return {
    get length() {
      return length();
    },
    put(message) {
      if (closed !== undefined) return undefined;
      queue.push(message);
      bytes += message.length;
      announceReadable();
      if (!isFull()) return undefined;
      if (limits.stalledMs !== Number.POSITIVE_INFINITY) {
        timer ??= setTimeout(() => close(stalled()), limits.stalledMs);
      }
      return new Promise((resolve) => writable.push(resolve));
    },
    take,
    ready,
    close,
    closed: whenClosed,
    drained,
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const message = take();
          if (message !== undefined) yield message;
          else if (closed === undefined) await ready();
          else if (closed.error === undefined) return;
          else throw closed.error;
        }
      } finally {
        announceDrained();
      }
    },
  };
}
