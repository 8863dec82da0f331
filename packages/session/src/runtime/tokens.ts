import { CoterieError, fromUtf8 } from "@coterie/base";
import { decodeMlsMessage } from "@coterie/mls";
import type { Publish } from "@coterie/wire/slim";

/** The tokens that judging a message looks at: the one it carries, and the one in the leaf that it offers (SML-20), where that is another. */
export function tokensOf({ header, msg }: Publish): readonly string[] {
  const own = header?.identity ?? "";
  const keyPackage = msg?.kind === "commandPayload" ? keyPackageOf(msg.value) : undefined;
  const offered = keyPackage === undefined ? undefined : credentialOf(keyPackage);
  return offered === undefined || offered === own ? [own] : [own, offered];
}

type Command = Extract<NonNullable<Publish["msg"]>, { kind: "commandPayload" }>["value"];

function keyPackageOf(command: Command): Uint8Array | undefined {
  if (command.kind !== "joinReply" && command.kind !== "rejoinRequest") return undefined;
  return command.value.keyPackage;
}

/** Undefined for what the core will refuse anyway. */
function credentialOf(keyPackage: Uint8Array): string | undefined {
  try {
    const message = decodeMlsMessage(keyPackage);
    if (message.kind !== "key-package") return undefined;
    const { credential } = message.keyPackage.leafNode;
    return credential.kind === "basic" ? fromUtf8(credential.identity) : undefined;
  } catch (error) {
    if (error instanceof CoterieError) return undefined;
    throw error;
  }
}
