import { fromHex } from "@coterie/base";
import { acceptAll, peekMessage, process } from "@coterie/mls";
import type { Processed } from "@coterie/mls";
import type { Forger } from "./forger.ts";
import type { World } from "./world.ts";

/** One message of a group's log as the node holds it, with what its header says. */
export interface LogEntry {
  readonly id: bigint;
  readonly createdNs: bigint;
  readonly data: Uint8Array;
  readonly senderHmac: Uint8Array;
  readonly shouldPush: boolean;
  readonly header: ReturnType<typeof peekMessage>;
}

/** The newest 100 messages of a group's log, oldest first. */
export async function groupLog(world: World, groupId: string): Promise<LogEntry[]> {
  const topic = fromHex(groupId);
  const page = await world.log.groupMessages({ topic, direction: "descending", limit: 100 });
  return page.entries.toReversed().map(({ id, createdNs, data, senderHmac, shouldPush }) => ({
    id,
    createdNs,
    data,
    senderHmac,
    shouldPush,
    header: peekMessage(data),
  }));
}

/** What a member's keys make of a message, without any judgement. */
export function openWith(world: World, forger: Forger, data: Uint8Array): Processed {
  return process({ crypto: world.crypto, group: forger.group, message: data, judge: acceptAll });
}
