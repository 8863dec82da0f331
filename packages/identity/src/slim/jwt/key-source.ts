import type { CryptoProvider } from "@coterie/crypto";
import { badKey } from "./algorithms.ts";
import type { Jwk, JwkSet, JwtAlgorithm } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";
import { verificationKeyOf } from "./verification-key.ts";
import type { VerificationKey } from "./verification-key.ts";

/** What a token says about the key that it needs. Nothing of it is proven. */
export interface KeyWanted {
  readonly algorithm: JwtAlgorithm;
  readonly keyId: string | undefined;
  readonly issuer: string | undefined;
}

/** Where the keys come from that tokens are verified with. */
export interface KeySource {
  /** Another number after keys have changed: what was verified before is verified again then. */
  readonly generation: number;
  /** Whether to fetch before believing anything more. */
  isOld(wanted: KeyWanted): boolean;
  find(wanted: KeyWanted): readonly VerificationKey[];
  /** Fetches what may be missing, as `find` gave nothing that fits; undefined when there is nothing to fetch, or not yet. Never rejects. */
  load(wanted: KeyWanted): Promise<void> | undefined;
}

/** A set is a list of everybody who may sign, not a way to make us try thousands of keys. */
const maxKeys = 256;
const maxTried = 16;

/** Throws `identity/bad-key` for what is no key set, or one without a single key that is known here. */
export function readKeySet(
  crypto: CryptoProvider,
  value: unknown,
  engine?: JwtEngine,
): readonly VerificationKey[] {
  const list = (value as { readonly keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(list) || list.length > maxKeys) throw badKey("key-set");
  return list.flatMap((jwk: unknown) => {
    if (typeof jwk !== "object" || jwk === null) return [];
    return verificationKeyOf(crypto, jwk as Jwk, engine) ?? [];
  });
}

/**
 * The key of that id where a set has it; else all that are for the algorithm, and the signature tells which: released apps write their subject
 * for an id, whatever the set calls their key.
 */
export function pick(
  keys: readonly VerificationKey[],
  { algorithm, keyId }: KeyWanted,
): readonly VerificationKey[] {
  const fitting = keys.filter((key) => key.algorithms.includes(algorithm));
  const named = keyId === undefined ? [] : fitting.filter((key) => key.keyId === keyId);
  return (named.length > 0 ? named : fitting).slice(0, maxTried);
}

export function fixedKeys(keys: readonly VerificationKey[]): KeySource {
  return {
    generation: 0,
    isOld: () => false,
    find: (wanted) => pick(keys, wanted),
    load: () => undefined,
  };
}

/** Throws `identity/bad-key`. */
export function localKeySet(crypto: CryptoProvider, set: JwkSet, engine?: JwtEngine): KeySource {
  const keys = readKeySet(crypto, set, engine);
  if (keys.length === 0) throw badKey("key-set");
  return fixedKeys(keys);
}
