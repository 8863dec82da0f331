import type { Engine, Ephemeral } from "../engine.ts";
import { requireLength } from "../errors.ts";
import type { CryptoProvider, DhName } from "../provider.ts";
import { badPublicKey, requirePrivateKey, sizeOf } from "./require.ts";
import { randomScalar } from "./scalars.ts";
import { dhLengths } from "./sizes.ts";

/** Key exchange: what may be a key is decided here (MLS-06, MLS-07). */
export function diffieHellman(
  engine: Engine,
): Pick<CryptoProvider, "generateDh" | "dhPublicKey" | "dh" | "dhEphemeral"> {
  const generateDh: CryptoProvider["generateDh"] = (name) => {
    const { privateKey: length } = sizeOf(dhLengths, name, "dh");
    const privateKey = isMontgomery(name) ? engine.bytes(length) : randomScalar(name, engine);
    return { privateKey, publicKey: engine.dhPublicKey(name, privateKey) };
  };

  const dh: CryptoProvider["dh"] = (name, privateKey, publicKey) => {
    requirePrivateKey(name, privateKey, sizeOf(dhLengths, name, "dh").privateKey);
    requirePublicKey(name, publicKey);
    const shared = engine.dh(name, privateKey, publicKey);
    requireShared(name, shared);
    return shared;
  };

  return {
    generateDh,
    dhPublicKey: (name, privateKey) => {
      requirePrivateKey(name, privateKey, sizeOf(dhLengths, name, "dh").privateKey);
      return engine.dhPublicKey(name, privateKey);
    },
    dh,
    dhEphemeral: (name, publicKey) => {
      if (engine.dhEphemeral === undefined) {
        const ephemeral = generateDh(name);
        return {
          publicKey: ephemeral.publicKey,
          shared: dh(name, ephemeral.privateKey, publicKey),
        };
      }
      requirePublicKey(name, publicKey);
      const made = engine.dhEphemeral(name, publicKey);
      requireShared(name, made?.shared);
      return made as Ephemeral;
    },
  };
}

function isMontgomery(name: DhName): name is "x25519" | "x448" {
  return name === "x25519" || name === "x448";
}

/** MLS-06: full length, and uncompressed on the P curves. */
function requirePublicKey(name: DhName, publicKey: Uint8Array): void {
  requireLength("public key", publicKey, sizeOf(dhLengths, name, "dh").publicKey);
  if (!isMontgomery(name) && publicKey[0] !== 4) throw badPublicKey(name);
}

/** MLS-07: off the curve, of low order, or a result of zeros. On the P curves zero is the x coordinate of an honest point. */
function requireShared(name: DhName, shared: Uint8Array | undefined): asserts shared is Uint8Array {
  if (shared === undefined || (isMontgomery(name) && shared.every((byte) => byte === 0))) {
    throw badPublicKey(name);
  }
}
