import type { KeyPair } from "@coterie/crypto";
import type { Installation } from "@coterie/identity";
import { createInboxIdentity, createInboxVerifier } from "@coterie/identity/slim";
import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import type { Context } from "./context.ts";

/** What brings a SLIM identity back that was stored. */
export interface SlimIdentityOptions {
  readonly tokenId?: string | undefined;
  readonly keys?: KeyPair | undefined;
}

/** SID-08: the same person in sessions of SLIM. */
export function slimIdentity(
  { ports, inboxId }: Context,
  installation: Installation,
  { tokenId, keys }: SlimIdentityOptions = {},
): SlimIdentity {
  const { crypto, clock } = ports;
  return createInboxIdentity({ crypto, clock, inboxId, installation, tokenId, keys });
}

/** Believes inboxes by their logs, as the node has them and this client verifies them. */
export function slimVerifier(
  { ports, identity }: Context,
  options: { readonly maxAgeSeconds?: number | undefined } = {},
): SlimVerifier {
  return createInboxVerifier({
    crypto: ports.crypto,
    clock: ports.clock,
    maxAgeSeconds: options.maxAgeSeconds,
    async lookup(inboxId) {
      await identity.refresh([inboxId]);
      return identity.state(inboxId);
    },
  });
}
