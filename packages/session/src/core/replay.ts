import { replayIds, replaySenders } from "./limits.ts";

/**
 * Numbers of commands that were applied, by sender (SSG-05): a signed command is good for one time. Kept also when the sender leaves: what it
 * said then must not count when it is back.
 */
export interface ReplayGuard {
  has(sender: string, messageId: number): boolean;
  add(sender: string, messageId: number): void;
}

export function createReplayGuard(): ReplayGuard {
  const bySender = new Map<string, Set<number>>();
  return {
    has: (sender, messageId) => bySender.get(sender)?.has(messageId) ?? false,
    add(sender, messageId) {
      const ids = bySender.get(sender) ?? new Set<number>();
      // the sender that was heard of last stands last
      bySender.delete(sender);
      bySender.set(sender, ids);
      if (bySender.size > replaySenders) dropFirst(bySender.keys(), (key) => bySender.delete(key));
      ids.add(messageId);
      if (ids.size > replayIds) dropFirst(ids.values(), (id) => ids.delete(id));
    },
  };
}

function dropFirst<Key>(keys: Iterator<Key>, drop: (key: Key) => void): void {
  const first = keys.next();
  if (!first.done) drop(first.value);
}
