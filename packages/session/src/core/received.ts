import type { VerifiedToken } from "@coterie/identity/slim";
import type { Content, Publish, SessionHeader, SLIMHeader } from "@coterie/wire/slim";
import type { KnownName } from "./names.ts";
import type { ConnectionId } from "./port.ts";

/** A message whose names, token and, for commands, signature were found good (SSG-07, SSG-08). */
export interface Received {
  readonly header: SLIMHeader;
  readonly session: SessionHeader;
  readonly type: number;
  readonly messageId: number;
  readonly source: KnownName;
  readonly destination: KnownName;
  readonly token: VerifiedToken;
  readonly content: Content;
  readonly metadata: ReadonlyMap<string, string>;
  readonly connection: ConnectionId;
  readonly publish: Publish;
}

/** SSN-21. */
export function isOurs({ header }: Pick<Received, "header">): boolean {
  return header.version.includes("+ts.");
}
