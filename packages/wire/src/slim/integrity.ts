import { HeaderIntegrityAad } from "../gen/slim/dataplane.ts";
import type { SessionHeader, SLIMHeader } from "../gen/slim/dataplane.ts";

/**
 * The bytes that a command's signature and a payload's encryption are bound to (SSG-02, SML-10). Names enter whole, strings included, as
 * they were decoded: the same message sent again has the same bytes, another destination or token needs another signature (SSG-03).
 * `payloadType` is empty for commands.
 */
export function headerIntegrityAad(
  header: Pick<SLIMHeader, "source" | "destination" | "identity">,
  session: SessionHeader,
  payloadType: string,
): Uint8Array {
  return HeaderIntegrityAad.encode({
    version: 1,
    source: header.source,
    destination: header.destination,
    identity: header.identity,
    sessionType: session.sessionType,
    sessionMessageType: session.sessionMessageType,
    sessionId: session.sessionId,
    messageId: session.messageId,
    payloadType,
  });
}
