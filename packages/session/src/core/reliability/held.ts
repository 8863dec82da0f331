import { createDeadlines } from "./deadlines.ts";
import type { Deadline } from "./deadlines.ts";
import type { MemberKey } from "./sender.ts";

/** Messages of sources that are in no roster yet (SRL-17): their member's update may be what was missed. They are not acknowledged. */
export interface Held<T> {
  readonly wakeAt: number | undefined;
  readonly size: number;
  /** True: the first one held of this source, and the roster should be fetched. */
  hold(source: MemberKey, id: number, item: T, size: number, nowMs: number): boolean;
  /** The source turned up: its messages, in the order of their arrival. */
  release(source: MemberKey): readonly T[];
  tick(nowMs: number): void;
}

const maxHeld = 64;
const maxBytes = 16 * 1024 * 1024;
const holdMs = 30_000;

interface Kept<T> {
  readonly source: MemberKey;
  readonly id: number;
  readonly item: T;
  readonly size: number;
}

export function createHeld<T>(): Held<T> {
  const sources = new Map<MemberKey, Map<number, Deadline<Kept<T>>>>();
  const deadlines = createDeadlines<Kept<T>>();
  let bytes = 0;

  function remove(deadline: Deadline<Kept<T>>): void {
    const { source, id, size } = deadline.item;
    deadlines.cancel(deadline);
    bytes -= size;
    const messages = sources.get(source);
    messages?.delete(id);
    if (messages?.size === 0) sources.delete(source);
  }

  /** One stranger who talks much pushes out nobody but itself. */
  function makeRoomFor(size: number): void {
    while (deadlines.size >= maxHeld || bytes > maxBytes - size) {
      let loudest: Map<number, Deadline<Kept<T>>> | undefined;
      for (const messages of sources.values()) {
        if (loudest === undefined || messages.size > loudest.size) loudest = messages;
      }
      const [oldest] = loudest?.values() ?? [];
      if (oldest === undefined) return;
      remove(oldest);
    }
  }

  return {
    get wakeAt() {
      return deadlines.next;
    },
    get size() {
      return deadlines.size;
    },
    hold(source, id, item, size, nowMs) {
      const known = sources.get(source);
      if (known?.has(id) === true || size > maxBytes) return false;
      makeRoomFor(size);
      const messages = sources.get(source) ?? new Map<number, Deadline<Kept<T>>>();
      sources.set(source, messages);
      messages.set(id, deadlines.add({ source, id, item, size }, nowMs + holdMs));
      bytes += size;
      return known === undefined;
    },
    release(source) {
      const kept = [...(sources.get(source)?.values() ?? [])];
      for (const deadline of kept) remove(deadline);
      return kept.map(({ item }) => item.item);
    },
    tick(nowMs) {
      for (let due = deadlines.takeDue(nowMs); due !== undefined; due = deadlines.takeDue(nowMs)) {
        const deadline = sources.get(due.source)?.get(due.id);
        if (deadline !== undefined) remove(deadline);
      }
    },
  };
}
