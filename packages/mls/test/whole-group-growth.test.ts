import { equal } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { expect, test } from "vitest";
import {
  acceptAll,
  adopt,
  commit,
  decodeKeyPackage,
  encodeKeyPackage,
  join,
  snapshot,
} from "../src/index.ts";
import type { KeyPackage } from "../src/index.ts";
import { creator, crypto as plain, keyPackageOf, now, person } from "./people.ts";
import { counting } from "./world.ts";
import type { Calls } from "./world.ts";

const sizes = [100, 400, 1_000, 4_000];

const bob = person("bob");
const bobs = keyPackageOf(bob);

/** A key package with keys that are only numbers, which the stand-in below takes for anybody's. */
function stranger(index: number): KeyPackage {
  const key = (kind: number): Uint8Array => {
    const bytes = new Uint8Array(32).fill(kind);
    new DataView(bytes.buffer).setUint32(0, index + 1);
    return bytes;
  };
  const { keyPackage } = bobs;
  const leafNode = { ...keyPackage.leafNode, encryptionKey: key(1), signatureKey: key(2) };
  const made = { ...keyPackage, leafNode, initKey: key(3) };
  return decodeKeyPackage(encodeKeyPackage(made).slice());
}

/** Believes every signature and exchanges with one key only: what is counted is how often it is asked. */
function standIn(): {
  crypto: CryptoProvider;
  readonly calls: Calls & { readonly exchanges: number };
} {
  let exchanges = 0;
  const crypto: CryptoProvider = {
    ...plain,
    verify: () => true,
    dhEphemeral(name, publicKey) {
      exchanges++;
      if (equal(publicKey, bobs.keyPackage.initKey)) return plain.dhEphemeral(name, publicKey);
      return { publicKey: new Uint8Array(32).fill(9), shared: new Uint8Array(32).fill(9) };
    },
  };
  const counted = counting(crypto);
  return {
    crypto: counted.crypto,
    get calls() {
      return { ...counted.calls, exchanges };
    },
  };
}

test.each(sizes)(
  "cost: creating a group of %i is two signatures and one seal per member, joining it one signature; hashes are linear",
  (size) => {
    const strangers = Array.from({ length: size - 2 }, (_, i) => stranger(i));
    const keyPackages = [...strangers.slice(0, 5), bobs.keyPackage, ...strangers.slice(5)];
    const ada = creator("ada");
    const { group, signer } = ada;
    const proposals = keyPackages.map((keyPackage) => ({ kind: "add", keyPackage }) as const);
    const ours = standIn();
    const made = commit({
      crypto: ours.crypto,
      group,
      signer,
      proposals,
      forcePath: false,
      nowSeconds: now,
    });
    expect(ours.calls).toMatchObject({
      verify: 2 * (size - 1),
      exchanges: size - 1,
      sign: 2,
      dh: 0,
      generateDh: 0,
      dhPublicKey: 0,
    });
    // Two digests to remember signatures by and a reference for each member, and two hashes for each node.
    expect(ours.calls.hash).toBeLessThanOrEqual(6 * size + 32);
    // Five of each seal.
    expect(ours.calls.hkdf).toBeLessThanOrEqual(5 * size + 64);

    const theirs = standIn();
    const joined = join({
      crypto: theirs.crypto,
      welcome: made.welcome as Uint8Array,
      keyPackages: [bobs],
      judge: acceptAll,
    });
    if (joined.kind !== "joined") throw new Error(joined.kind);
    expect(theirs.calls).toMatchObject({
      verify: size + 1,
      exchanges: 0,
      sign: 0,
      dh: 1,
      generateDh: 0,
      dhPublicKey: 0,
    });
    expect(theirs.calls.hash).toBeLessThanOrEqual(4 * size + 32);
    expect(theirs.calls.hkdf).toBeLessThanOrEqual(64);
    const group1 = adopt({ group: made.group, pending: made.pending }).group;
    expect(joined.group.epochAuthenticator).toEqual(group1.epochAuthenticator);
    // A member's leaf, its reference and seal in the Welcome, its key package in the commit: nothing that grows with the others.
    const perMember = encodeKeyPackage(bobs.keyPackage).length;
    expect(made.message.length).toBeLessThan((perMember + 8) * size + 1_024);
    expect(made.welcome?.length).toBeLessThan((perMember + 160) * size + 1_024);
    expect(snapshot(group1).get("epoch")?.length).toBeLessThan(perMember * size + 1_024);
  },
);
