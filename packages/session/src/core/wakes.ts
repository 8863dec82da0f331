/**
 * Who wants to be woken when; soonest first. A later time than the one that is set waits for that one: whoever is woken too early says anew when. So
 * what changes with each message costs nothing here.
 */
export interface Wakes<T> {
  readonly next: number | undefined;
  set(item: T, at: number | undefined): void;
  /** Takes one whose time has come. */
  takeDue(nowMs: number): T | undefined;
}

interface Entry<T> {
  readonly item: T;
  readonly at: number;
}

/** A binary heap; what was set anew leaves its old entry behind, which is skipped when it comes up. */
export function createWakes<T>(): Wakes<T> {
  const heap: Entry<T>[] = [];
  const current = new Map<T, Entry<T>>();

  function first(): Entry<T> | undefined {
    for (;;) {
      const [top] = heap;
      if (top === undefined || current.get(top.item) === top) return top;
      pop();
    }
  }

  function push(entry: Entry<T>): void {
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry<T>;
      if (above.at <= entry.at) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  function pop(): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.at < (heap[child] as Entry<T>).at) child += 1;
      const below = heap[child] as Entry<T>;
      if (last.at <= below.at) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }

  return {
    get next() {
      return first()?.at;
    },
    set(item, at) {
      const known = current.get(item);
      if (known !== undefined && at !== undefined && known.at <= at) return;
      if (at === undefined) {
        current.delete(item);
        return;
      }
      const entry = { item, at };
      current.set(item, entry);
      push(entry);
    },
    takeDue(nowMs) {
      const top = first();
      if (top === undefined || top.at > nowMs) return undefined;
      pop();
      current.delete(top.item);
      return top.item;
    },
  };
}
