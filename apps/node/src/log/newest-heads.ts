import type { GroupMessage } from "./log.ts";

const empty = new Uint8Array(0);
/** About 20 MB when full. */
const remembered = 65_536;
/** Groups of clients have ids of 16 bytes; whoever makes up long ones is answered from the file. */
const longestId = 64;

/**
 * The newest message of each group that was asked for or written lately, without content: clients ask after all their groups at once, and in
 * the file each is a search of its own. The one that was used longest ago goes first.
 */
export interface NewestHeads {
  get(groupId: Uint8Array): GroupMessage | undefined;
  /** A message that is durable, or the newest that was read. */
  put(message: GroupMessage): void;
  /** What is kept no longer may have been the newest. */
  clear(): void;
}

export function createNewestHeads(limit: number = remembered): NewestHeads {
  const heads = new Map<string, GroupMessage>();
  return {
    get(groupId) {
      const key = keyOf(groupId);
      const head = heads.get(key);
      if (head === undefined) return undefined;
      heads.delete(key);
      heads.set(key, head);
      return head;
    },
    put(message) {
      if (message.groupId.length > longestId) return;
      const key = keyOf(message.groupId);
      const before = heads.get(key);
      if (before !== undefined && before.id > message.id) return;
      heads.delete(key);
      // a copy: what was read out of a request shares its memory, content and all, and the `slice` of a Buffer would, too
      const groupId = new Uint8Array(message.groupId);
      heads.set(key, { ...message, groupId, data: empty, senderHmac: empty, shouldPush: false });
      if (heads.size > limit) heads.delete(heads.keys().next().value as string);
    },
    clear: () => heads.clear(),
  };
}

function keyOf(groupId: Uint8Array): string {
  return Buffer.from(groupId.buffer, groupId.byteOffset, groupId.length).toString("latin1");
}
