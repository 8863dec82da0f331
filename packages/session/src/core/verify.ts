import { verifyControlSignature } from "@coterie/identity/slim";
import type { VerifiedToken } from "@coterie/identity/slim";
import { SessionMessageType } from "@coterie/wire/slim";
import type { CommandPayload, Publish, SLIMHeader } from "@coterie/wire/slim";
import { isCommand } from "./command.ts";
import { appIdOf, refused } from "./mls-profile.ts";
import type { Context } from "./model.ts";
import type { KnownName } from "./names.ts";
import type { ConnectionId } from "./port.ts";
import type { Received } from "./received.ts";

/** Which payload a type of command carries (SSN-08). */
const payloads: ReadonlyMap<number, CommandPayload["kind"]> = new Map(
  Object.entries({
    discoveryRequest: "discoveryRequest",
    discoveryReply: "discoveryReply",
    joinRequest: "joinRequest",
    joinReply: "joinReply",
    leaveRequest: "leaveRequest",
    leaveReply: "leaveReply",
    groupUpdate: "groupUpdate",
    groupWelcome: "groupWelcome",
    groupClose: "groupClose",
    groupAck: "groupAck",
    groupNack: "groupNack",
    heartbeat: "heartbeat",
    updateParticipantState: "updateParticipantState",
    rejoinRequest: "rejoinRequest",
    rejoinReply: "rejoinReply",
  } as const).map(([type, kind]) => [
    SessionMessageType[type as keyof typeof SessionMessageType],
    kind,
  ]),
);

/** The same names, in the form whose encoding is known. One without an id would get one (SNM-02), which was not signed: it stays as it is. */
function withKnownNames(given: SLIMHeader, source: KnownName, destination: KnownName): SLIMHeader {
  const hasIds =
    given.source?.name?.nameId !== undefined && given.destination?.name?.nameId !== undefined;
  return hasIds ? { ...given, source: source.wire, destination: destination.wire } : given;
}

/**
 * Names, token and source id of any message, and the signature of a command: all of it with MLS and without (SSG-07, SSG-08), where released
 * apps do so for discoveries alone (SSG-04). Throws what
 * is wrong. `admit` is asked before the signature is looked at, which costs the most.
 */
export function verify(
  context: Context,
  input: {
    readonly publish: Publish;
    readonly metadata: ReadonlyMap<string, string>;
    readonly connection: ConnectionId;
  },
  admit?: (token: VerifiedToken) => boolean,
): Received {
  const { publish, metadata, connection } = input;
  const { header: given, session, msg } = publish;
  if (given === undefined || session === undefined || msg === undefined) throw refused("form");
  const source = context.names.read(given.source);
  const destination = context.names.read(given.destination);
  const header = withKnownNames(given, source, destination);
  const { sessionMessageType: type, messageId } = session;
  const { verifier, crypto, strictBaseId } = context.parts;
  const token = verifier.verify(header.identity);
  // SNM-04
  if (source.name.id !== appIdOf(token)) throw refused("source-id");
  if (strictBaseId === true && token.baseId !== source.service) throw refused("base-id");
  if (isCommand(type)) {
    // SSG-05
    if (messageId === 0) throw refused("message-id");
    if (msg.kind !== "commandPayload" || payloads.get(type) !== msg.value.kind) {
      throw refused("payload");
    }
    if (admit?.(token) === false) throw refused("rate");
    if (
      token.publicKey === undefined ||
      !verifyControlSignature(crypto, token.publicKey, header, session)
    ) {
      throw refused("signature");
    }
  }
  return {
    header,
    session,
    type,
    messageId,
    source,
    destination,
    token,
    content: msg,
    metadata,
    connection,
    publish,
  };
}
