/** One thing that waits for its time. */
export interface Deadline<T> {
  readonly item: T;
  readonly at: number;
}

/** What waits, soonest first. Intervals are constant (SSN-06), so a new one nearly always goes to the end: all operations are O(1). */
export interface Deadlines<T> {
  /** When the first one is due. */
  readonly next: number | undefined;
  readonly size: number;
  add(item: T, at: number): Deadline<T>;
  /** One that is not waiting any more is left alone. */
  cancel(deadline: Deadline<T>): void;
  /** Takes the first one whose time has come. */
  takeDue(nowMs: number): T | undefined;
}

interface Node<T> {
  readonly item: T;
  readonly at: number;
  before: Node<T> | undefined;
  after: Node<T> | undefined;
  waiting: boolean;
}

export function createDeadlines<T>(): Deadlines<T> {
  let first: Node<T> | undefined;
  let last: Node<T> | undefined;
  let size = 0;

  function remove(node: Node<T>): void {
    if (!node.waiting) return;
    node.waiting = false;
    size -= 1;
    if (node.before === undefined) first = node.after;
    else node.before.after = node.after;
    if (node.after === undefined) last = node.before;
    else node.after.before = node.before;
    node.before = undefined;
    node.after = undefined;
  }

  return {
    get next() {
      return first?.at;
    },
    get size() {
      return size;
    },
    add(item, at) {
      let before = last;
      while (before !== undefined && before.at > at) before = before.before;
      const after = before === undefined ? first : before.after;
      const node: Node<T> = { item, at, before, after, waiting: true };
      if (before === undefined) first = node;
      else before.after = node;
      if (after === undefined) last = node;
      else after.before = node;
      size += 1;
      return node;
    },
    cancel(deadline) {
      remove(deadline as Node<T>);
    },
    takeDue(nowMs) {
      if (first === undefined || first.at > nowMs) return undefined;
      const { item } = first;
      remove(first);
      return item;
    },
  };
}
