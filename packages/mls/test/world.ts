import { toUtf8 } from "@coterie/base";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { createKeyPackage } from "../src/create-key-package.ts";
import type { CreatedKeyPackage } from "../src/create-key-package.ts";
import type { Capabilities, Extension } from "../src/types.ts";

export const capabilities: Capabilities = {
  versions: [1],
  cipherSuites: [1, 2, 3],
  extensions: [],
  proposals: [],
  credentials: [1],
};

export interface Person extends CreatedKeyPackage {
  readonly name: string;
  readonly signer: KeyPair;
}

/** Somebody with a signing key and one key package, valid for ever. */
export function person(
  crypto: CryptoProvider,
  suite: CipherSuite,
  name: string,
  more: {
    readonly capabilities?: Partial<Capabilities>;
    readonly signer?: KeyPair;
    readonly leafExtensions?: readonly Extension[];
  } = {},
): Person {
  const signer = more.signer ?? crypto.generateSigner(suite.signature);
  const created = createKeyPackage({
    crypto,
    cipherSuite: suite,
    signer,
    credential: { kind: "basic", identity: toUtf8(name) },
    capabilities: { ...capabilities, ...more.capabilities },
    lifetime: { notBefore: 0n, notAfter: 0xffffffffffffffffn },
    leafExtensions: more.leafExtensions ?? [],
  });
  return { ...created, name, signer };
}

/** How often each primitive was called. */
export interface Calls {
  hash: number;
  verify: number;
  sign: number;
  dh: number;
  generateDh: number;
  dhPublicKey: number;
  hkdf: number;
}

/** A provider that counts, for tests of cost that are exact on any machine. */
export function counting(crypto: CryptoProvider): { crypto: CryptoProvider; calls: Calls } {
  const calls: Calls = {
    hash: 0,
    verify: 0,
    sign: 0,
    dh: 0,
    generateDh: 0,
    dhPublicKey: 0,
    hkdf: 0,
  };
  const count =
    <Args extends readonly unknown[], Result>(name: keyof Calls, call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      calls[name]++;
      return call.apply(crypto, args as never);
    };
  return {
    calls,
    crypto: {
      ...crypto,
      hash: count("hash", crypto.hash),
      verify: count("verify", crypto.verify),
      sign: count("sign", crypto.sign),
      dh: count("dh", crypto.dh),
      generateDh: count("generateDh", crypto.generateDh),
      dhPublicKey: count("dhPublicKey", crypto.dhPublicKey),
      hkdfExtract: count("hkdf", crypto.hkdfExtract),
      hkdfExpand: count("hkdf", crypto.hkdfExpand),
    },
  };
}
