import { concat } from "@coterie/base";
import { createMemoryTransport } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import {
  paths,
  QueryGroupMessagesRequest,
  QueryGroupMessagesResponse,
  SendGroupMessagesRequest,
} from "@coterie/wire";
import type { GroupMessageV1, PagingInfo } from "@coterie/wire";
import { createNode, openMemoryLog } from "../src/index.ts";
import type { CoterieNode, NodeLimits, NodeLog } from "../src/index.ts";

export const clock = { nowNs: () => 1_700_000_000_000_000_000n };

export interface World {
  readonly node: CoterieNode;
  readonly log: NodeLog;
  readonly client: Transport;
}

/** A node over a log in memory, and a client on it; the clock stands still. */
export function world(
  limits: Partial<NodeLimits> = {},
  log: NodeLog = openMemoryLog({ clock }),
): World {
  const node = createNode({ log, clock, limits });
  return { node, log, client: createMemoryTransport(node.routes) };
}

export const none: Uint8Array = new Uint8Array();
export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
export const contentTypes = { application: 1, proposal: 2, commit: 3 } as const;

const opaque = (content: Uint8Array): Uint8Array => concat(bytes(content.length), content);

/** MLSMessage(PrivateMessage) as far as a node can tell; `content` of up to 63 bytes makes it this one and no other. */
export function privateMessage(
  group: Uint8Array,
  content: Uint8Array,
  type: keyof typeof contentTypes = "application",
): Uint8Array {
  const epoch = new Uint8Array(8);
  const version = bytes(0, 1);
  const wireFormat = bytes(0, 2);
  const head = concat(version, wireFormat, opaque(group), epoch, bytes(contentTypes[type]));
  return concat(head, opaque(none), opaque(bytes(1, 2, 3)), opaque(content));
}

export interface Sent {
  readonly group: number;
  readonly content: number;
  readonly type?: keyof typeof contentTypes;
}

export function sendRequest(...messages: readonly Sent[]): Uint8Array {
  return SendGroupMessagesRequest.encode({
    messages: messages.map(({ group, content, type }) => ({
      kind: "v1",
      value: {
        data: privateMessage(bytes(group), bytes(content >> 8, content & 255), type),
        senderHmac: bytes(7),
        shouldPush: true,
      },
    })),
  });
}

export async function send(client: Transport, ...messages: readonly Sent[]): Promise<void> {
  await client.unary(paths.mls.sendGroupMessages, sendRequest(...messages));
}

/** The number that `sendRequest` put into a message. */
export function contentOf({ data }: Pick<GroupMessageV1, "data">): number {
  return ((data.at(-2) as number) << 8) | (data.at(-1) as number);
}

export async function query(
  client: Transport,
  group: number,
  paging?: Partial<PagingInfo>,
): Promise<{ messages: GroupMessageV1[]; paging: PagingInfo }> {
  const pagingInfo = paging && { direction: 0, limit: 0, idCursor: 0n, ...paging };
  const request = QueryGroupMessagesRequest.encode({ groupId: bytes(group), pagingInfo });
  const answer = QueryGroupMessagesResponse.decode(
    await client.unary(paths.mls.queryGroupMessages, request),
  );
  return {
    messages: answer.messages.map((message) => {
      if (message.kind !== "v1") throw new Error("not v1");
      return message.value;
    }),
    paging: answer.pagingInfo as PagingInfo,
  };
}
