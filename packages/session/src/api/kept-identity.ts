import { fromHex, fromUtf8, toHex, toUtf8 } from "@coterie/base";
import type { SessionStore } from "../runtime/session-store.ts";
import { SessionError } from "../errors.ts";
import { identityOf } from "./identity.ts";
import type { KeptIdentity, Platform, ProviderLike } from "./platform.ts";

const entry = "identity";

/**
 * The token id and the keys of an earlier run, or new ones, kept for the next (SHB-17). Undefined for an identity that brings its own:
 * whoever made that keeps it.
 */
export async function keptIdentity(
  platform: Platform,
  store: SessionStore,
  provider: ProviderLike,
): Promise<KeptIdentity | undefined> {
  if ("tokenId" in provider || !["SharedSecret", "Jwt"].includes(provider.tag)) return undefined;
  const stored = await store.get(entry);
  if (stored !== undefined) return read(stored);
  const keys = platform.crypto.generateSigner("p256");
  const { tokenId } = identityOf(platform, provider);
  const kept = {
    tokenId,
    publicKey: toHex(keys.publicKey),
    privateKey: toHex(keys.privateKey),
  };
  await store.put(entry, toUtf8(JSON.stringify(kept)));
  return { tokenId, keys };
}

function read(stored: Uint8Array): KeptIdentity {
  try {
    const { tokenId, publicKey, privateKey } = JSON.parse(fromUtf8(stored)) as Record<
      string,
      string
    >;
    if (tokenId === undefined || publicKey === undefined || privateKey === undefined) {
      throw new SessionError("session/bad-entry", { what: entry });
    }
    return {
      tokenId,
      keys: { publicKey: fromHex(publicKey), privateKey: fromHex(privateKey) },
    };
  } catch (cause) {
    throw new SessionError("session/bad-entry", { what: entry }, cause);
  }
}
