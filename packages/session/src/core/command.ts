import { SessionMessageType, SessionType } from "@coterie/wire/slim";
import type { CommandPayload, SessionHeader } from "@coterie/wire/slim";
import type { KnownName } from "./names.ts";
import type { ConnectionId, SessionSettings } from "./port.ts";

/** A command before its identity and signature, which it gets anew each time that it is sent. */
export interface Command {
  readonly connection: ConnectionId;
  readonly source: KnownName;
  readonly destination: KnownName;
  readonly fanout: number;
  readonly session: SessionHeader;
  readonly payload: CommandPayload;
  readonly metadata: ReadonlyMap<string, string>;
}

export const noMetadata: ReadonlyMap<string, string> = new Map();

export function isCommand(type: number): boolean {
  return type >= SessionMessageType.discoveryRequest && type <= SessionMessageType.rejoinReply;
}

export function sessionTypeOf(kind: SessionSettings["kind"]): SessionType {
  return kind === "group" ? SessionType.multicast : SessionType.pointToPoint;
}
