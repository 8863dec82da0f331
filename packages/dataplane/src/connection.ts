import type { Flows, Hop } from "./flows.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { Negotiated } from "./negotiation.ts";
import type { Pace } from "./pace.ts";
import type { Entry, LinkKind, NameKey, RouteTable } from "./routes.ts";

/** Why a message went nowhere (SRT-06). */
export type Drop = "malformed" | "mac" | "ttl" | "no-route" | "unexpected" | "limit";

/** One stream of messages that the data plane holds, whoever dialled it. */
export interface Connection {
  /** This node's number for it. */
  readonly id: bigint;
  readonly kind: LinkKind;
  readonly direction: "outgoing" | "incoming";
  /** Absent in the process. */
  readonly link?: Negotiated | undefined;
  readonly endpoint?: string | undefined;
  /** Whose MACs go out on it. */
  readonly hop: Hop;
  readonly flows: Flows;
  readonly outbox: MessageQueue;
  /** Names of this connection's subscriptions, by their id (SRT-10); those with the id 0 name nothing alone (SCN-12). */
  readonly subscriptions: Map<bigint, NameKey>;
  /** Told of everything of its own that went nowhere: only in the process (SRT-05). */
  readonly dropped?: ((why: Drop) => void) | undefined;
  readonly pace: Pace;
}

export type Table = RouteTable<Connection>;
export type TableEntry = Entry<Connection>;
