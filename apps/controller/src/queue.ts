/** What waits to be sent, in order. */
export interface Queue<T> extends AsyncIterable<T> {
  push(item: T): void;
  /** What stands in it is still given out. */
  close(): void;
}

/** Closes by itself where nobody takes anything out any more. */
export function createQueue<T>(limit: number): Queue<T> {
  const items: T[] = [];
  let wake: (() => void) | undefined;
  const end = { came: false };
  const close = (): void => {
    end.came = true;
    wake?.();
  };
  return {
    push(item) {
      if (end.came) return;
      items.push(item);
      if (items.length > limit) {
        items.length = 0;
        close();
      }
      wake?.();
    },
    close,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) yield item;
        else if (end.came) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
