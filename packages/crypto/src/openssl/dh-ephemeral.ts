import type { Ephemeral } from "../engine.ts";
import type { DhName } from "../provider.ts";
import { ecdhNames } from "./keys.ts";
import type { KeyStore } from "./keys.ts";
import { fromBase64Url, nodeCrypto, plain } from "./node-crypto.ts";
import type { KeyObject } from "./node-crypto.ts";

interface Generated {
  readonly publicKey: { readonly x: string };
  readonly privateKey: KeyObject;
}

/**
 * An exchange with a key that never becomes bytes: generating it takes half the time of importing one (Node 24), and the cache keeps
 * its places for keys that come again. The public half is encoded by the generator itself; see `KeyStore.publicBytes` for the deadlock that
 * an export afterwards can meet.
 */
export function opensslDhEphemeral(
  keys: KeyStore,
  name: DhName,
  publicKey: Uint8Array,
): Ephemeral | undefined {
  try {
    if (name !== "x25519" && name !== "x448") {
      const exchange = nodeCrypto.createECDH(ecdhNames[name]);
      const ours = plain(exchange.generateKeys());
      return { publicKey: ours, shared: plain(exchange.computeSecret(publicKey)) };
    }
    const theirs = keys.publicKey(name, "dh", publicKey);
    if (theirs === undefined) return undefined;
    const ours = generate(name, { publicKeyEncoding: { format: "jwk" } });
    const shared = nodeCrypto.diffieHellman({ privateKey: ours.privateKey, publicKey: theirs });
    return { publicKey: fromBase64Url(ours.publicKey.x), shared: plain(shared) };
  } catch {
    return undefined;
  }
}

// The types know neither "jwk" nor an encoding of one half alone.
const generate = nodeCrypto.generateKeyPairSync as unknown as (
  name: "x25519" | "x448",
  options: { readonly publicKeyEncoding: { readonly format: "jwk" } },
) => Generated;
