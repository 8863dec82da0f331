import { headerIntegrityAad } from "@coterie/wire/slim";
import type { SLIMHeader } from "@coterie/wire/slim";
import type { Command } from "./command.ts";
import { slimVersion, ttl } from "./limits.ts";
import type { Context } from "./model.ts";
import type { KnownName } from "./names.ts";

/** SID-07: with the token of now. */
export function headerFor(
  context: Context,
  source: KnownName,
  destination: KnownName,
  fanout: number,
): SLIMHeader {
  return {
    source: source.wire,
    destination: destination.wire,
    identity: context.parts.identity.token(),
    fanout,
    version: slimVersion,
    ttl,
  };
}

/** SSN-07, SSG-01: the identity first, then the signature over it. */
export function sendCommand(context: Context, command: Command): void {
  const { crypto, identity } = context.parts;
  const { session } = command;
  const header = headerFor(context, command.source, command.destination, command.fanout);
  const signed = headerIntegrityAad(header, session, "");
  const e2eHeaderSig = crypto.sign("p256", identity.keys.privateKey, signed);
  context.out.push({
    kind: "send",
    connection: command.connection,
    publish: {
      header: { ...header, e2eHeaderSig },
      session,
      msg: { kind: "commandPayload", value: command.payload },
    },
    metadata: command.metadata,
  });
}
