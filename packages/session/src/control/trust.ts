import type { SlimVerifier, VerifiedToken } from "@coterie/identity/slim";
import { slimAppId } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";

/**
 * Which controllers an app obeys (SCT-24): none; those with one of these base ids; or any whose identity the app's verifier takes and whose
 * base id ends in `/slim-controller`.
 */
export type AcceptController = "none" | "verified" | readonly string[];

const controllerService = "/slim-controller";

export function acceptsController(accept: AcceptController, baseId: string): boolean {
  if (accept === "none") return false;
  if (accept === "verified") return baseId.endsWith(controllerService);
  return accept.includes(baseId);
}

/** The controller that sent a message, if its token is right, is its own, and belongs to one that is obeyed. */
export function controllerOf(
  verifier: SlimVerifier,
  accept: AcceptController,
  message: { readonly source: SlimName; readonly identity: string },
): VerifiedToken | undefined {
  let token: VerifiedToken;
  try {
    token = verifier.verify(message.identity);
  } catch {
    return undefined;
  }
  const isOwn = slimAppId(token.tokenId) === message.source.id;
  return isOwn && acceptsController(accept, token.baseId) ? token : undefined;
}
