import { SessionError } from "../errors.ts";
import type { Delivery } from "../core/port.ts";
import { recordOf } from "./config/variant.ts";
import type { RecordMaker } from "./config/variant.ts";
import { Name } from "./name.ts";
import type { NameLike } from "./name.ts";

/** What comes with a message (SRL-20). */
export interface MessageContext {
  /** Who sent it, with its id. */
  sourceName: NameLike;
  /** The channel, or this app. */
  destinationName?: NameLike | undefined;
  /** `msg` where the sender named none. */
  payloadType: string;
  metadata: ReadonlyMap<string, string>;
  /** The connection that it came over. */
  inputConnection: bigint;
  /** The sender's token. */
  identity: string;
}

export const MessageContext: RecordMaker<MessageContext> = recordOf();

export interface ReceivedMessage {
  context: MessageContext;
  payload: Uint8Array;
}
export const ReceivedMessage: RecordMaker<ReceivedMessage> = recordOf();

const defaultPayloadType = "msg";

export function messageOf(item: Extract<Delivery, { kind: "message" }>): ReceivedMessage {
  return {
    context: {
      sourceName: Name.of(item.source),
      destinationName: Name.of(item.destination),
      payloadType: item.payloadType === "" ? defaultPayloadType : item.payloadType,
      metadata: item.metadata,
      inputConnection: item.connection,
      identity: item.identity,
    },
    payload: item.payload,
  };
}

/** What `getMessage` rejects with where no message comes next (SRL-20). */
export function errorOf(
  session: number,
  item: Exclude<Delivery, { kind: "message" }>,
): SessionError {
  if (item.kind === "lost") {
    const details = { session, message: item.messageId, source: Name.of(item.source).id() };
    return new SessionError("session/message-lost", details, undefined, {
      message: `message lost for session id: ${session}`,
    });
  }
  const name = Name.of(item.name);
  return new SessionError("session/participant-disconnected", { session }, undefined, {
    message: `participant disconnected: ${name.toDebugString()}`,
  });
}
