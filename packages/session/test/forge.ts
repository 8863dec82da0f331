import { headerIntegrityAad } from "@coterie/wire/slim";
import type { CommandPayload, Publish, SLIMHeader } from "@coterie/wire/slim";
import { encodeSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { crypto } from "./world.ts";
import type { WorldApp } from "./world.ts";

/** A command as whoever holds this app's identity can make it, signed over whatever it says. */
export function forge(
  by: WorldApp,
  command: {
    readonly session: number;
    readonly type: number;
    readonly payload: CommandPayload;
    readonly to: SlimName;
    readonly sessionType?: number;
    readonly messageId?: number;
    readonly header?: Partial<SLIMHeader>;
  },
): Publish {
  const { identity } = by.parts;
  const session = {
    sessionType: command.sessionType ?? 2,
    sessionMessageType: command.type,
    sessionId: command.session,
    messageId: command.messageId ?? 1 + Math.floor(Math.random() * 2 ** 31),
  };
  const header: SLIMHeader = {
    source: encodeSlimName(by.name),
    destination: encodeSlimName(command.to),
    identity: identity.token(),
    fanout: 1,
    version: "2.2.0",
    ttl: 8,
    ...command.header,
  };
  const signed = headerIntegrityAad(header, session, "");
  const e2eHeaderSig = crypto.sign("p256", identity.keys.privateKey, signed);
  return {
    header: { e2eHeaderSig, ...header },
    session,
    msg: { kind: "commandPayload", value: command.payload },
  };
}
