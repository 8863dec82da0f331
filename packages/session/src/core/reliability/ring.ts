import type { Payload } from "../port.ts";

/** Messages kept for those who missed them (SRL-01). */
export const ringSize = 512;
/** However few they are (SRL-24): of those that are kept, of those that are unacknowledged, and of those that wait for room. */
export const ringBytes: number = 64 * 1024 * 1024;

/** The last messages of a session of ours, by data id. */
export interface Ring {
  put(id: number, content: Payload): void;
  get(id: number): Payload | undefined;
}

interface Slot {
  readonly id: number;
  readonly content: Payload;
}

export function createRing(): Ring {
  /** In the order of their ids. */
  const slots = new Map<number, Slot>();
  let bytes = 0;

  function drop([at, slot]: [number, Slot]): void {
    slots.delete(at);
    bytes -= sizeOf(slot.content);
  }

  return {
    put(id, content) {
      const at = id % ringSize;
      const old = slots.get(at);
      if (old !== undefined) drop([at, old]);
      slots.set(at, { id, content });
      bytes += sizeOf(content);
      for (const oldest of slots) {
        if (bytes <= ringBytes) break;
        drop(oldest);
      }
    },
    get(id) {
      const slot = slots.get(id % ringSize);
      return slot?.id === id ? slot.content : undefined;
    },
  };
}

/** Bytes that a message keeps, about. */
export function sizeOf({ payload, metadata }: Payload): number {
  let size = payload.length;
  for (const [key, value] of metadata) size += key.length + value.length;
  return size;
}
