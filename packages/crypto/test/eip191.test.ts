import { concat, fromHex, toHex, toUtf8 } from "@coterie/base";
import {
  eip191Digest,
  eip191Recover,
  eip191Sign,
  ethereumAddress,
  labels,
  normalizeEip191Signature,
} from "@coterie/crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { both, everyOne, outcome, providers } from "./support.ts";

// The worked example of the XMTP specification, section 3.5: invented keys, computed values.
const wallet = new Uint8Array(32).fill(0x11);
const installationSeed = new Uint8Array(32).fill(0x22);
const address = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a";
const text = `XMTP : Authenticate to inbox

Inbox ID: 45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b
Current time: 2023-11-14T22:13:20Z

- Create inbox
  (Owner: 0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a)
- Grant messaging access to app
  (ID: a09aa5f47a6759802ff955f8dc2d2a14a5c99d23be97f864127ff9383455a4f0)

For more info: https://xmtp.org/signatures`;
const walletSignature =
  "2ab54544c44a60322afbe924a8de387775cf4bbf7177f141db5fd7f9d5c176a22e04399f0b363da2823bb0f68c18caf501c6275359e62fffb45cbee444fec4fd1b";

for (const crypto of providers) {
  test(`XID-10, XID-11: the worked example of section 3.5 on ${crypto.name}`, () => {
    expect(toUtf8(text).length).toBe(358);
    expect(toHex(crypto.hash("sha256", toUtf8(text)))).toBe(
      "0f380c559c7899c14f0a2c8c9214536d7db2b1f366a75c392286de5b15e24cea",
    );
    expect(ethereumAddress(crypto, crypto.secp256k1PublicKey(wallet))).toBe(address);
    const digest = eip191Digest(crypto, text);
    expect(toHex(digest)).toBe("51bc3a3e44ddda640de16443a79c064658245165f6c27bf3356d2395499f9ea2");
    const signature = eip191Sign(crypto, wallet, text);
    expect(toHex(signature)).toBe(walletSignature);
    expect(eip191Recover(crypto, digest, signature)).toBe(address);
    for (const nonce of [0, 1]) {
      const input = toUtf8(`${address}${nonce}`);
      expect(toHex(crypto.hash("sha256", input))).toBe(
        [
          "1b814a0b4a7d3871d695ac17439012c3809f3bdcb4d4ea8726a5b3a8df569893",
          "45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b",
        ][nonce],
      );
    }

    const installation = crypto.signaturePublicKey("ed25519", installationSeed);
    expect(toHex(installation)).toBe(
      "a09aa5f47a6759802ff955f8dc2d2a14a5c99d23be97f864127ff9383455a4f0",
    );
    const context = toUtf8(labels.identityUpdateContext);
    const signed = crypto.ed25519phSign(installationSeed, toUtf8(text), context);
    expect(toHex(signed)).toBe(
      "f7cb9f7ac27ff3412e04cb50faf954bdd4eef809f18b8165512064fc04e92a3645d11aa73768e1473191b9ab92db0281140619b196d4f1f0ff4593c92eedd400",
    );
    const verify = (name: string) =>
      crypto.ed25519phVerify(installation, toUtf8(text), toUtf8(name), signed);
    expect(verify(labels.identityUpdateContext)).toBe(true);
    expect(verify(labels.publicSignatureContext)).toBe(false);
  });
}

test("XID-10: V may be 0, 27 or an EIP-155 form; anything else recovers nobody", () => {
  const [crypto] = providers as [(typeof providers)[number]];
  const digest = eip191Digest(crypto, text);
  const signature = fromHex(walletSignature);
  const withV = (v: number) =>
    eip191Recover(crypto, digest, concat(signature.subarray(0, 64), Uint8Array.of(v)));
  for (const v of [0, 27, 35, 37, 255]) expect(withV(v)).toBe(address);
  for (const v of [1, 28, 36, 38]) {
    expect(withV(v)).toMatch(/^0x[0-9a-f]{40}$/);
    expect(withV(v)).not.toBe(address);
  }
  for (const v of [2, 3, 4, 26, 29, 30, 31, 34]) expect(withV(v)).toBeUndefined();
  expect(eip191Recover(crypto, digest, signature.subarray(1))).toBeUndefined();
  expect(outcome(() => eip191Recover(crypto, digest.subarray(1), signature))).toEqual({
    code: "crypto/bad-length",
  });
});

test("XID-10: S moves to the lower half and V stays", () => {
  const signature = fromHex(walletSignature);
  expect(normalizeEip191Signature(signature)).toEqual(signature);
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const high = order - BigInt(`0x${walletSignature.slice(64, 128)}`);
  const mirrored = fromHex(
    walletSignature.slice(0, 64) + high.toString(16).padStart(64, "0") + "1b",
  );
  expect(normalizeEip191Signature(mirrored)).toEqual(signature);
  const beyond = fromHex(walletSignature.slice(0, 64) + order.toString(16) + "1b");
  expect(normalizeEip191Signature(beyond)).toBeUndefined();
  expect(normalizeEip191Signature(beyond.fill(0, 32, 64))).toBeUndefined();
  expect(normalizeEip191Signature(signature.subarray(0, 64))).toBeUndefined();
});

test("the digest counts bytes of UTF-8, not characters", () => {
  const [a, b] = both((crypto) => eip191Digest(crypto, "grüße 👋"));
  expect(b).toEqual(a);
  const [crypto] = providers as [(typeof providers)[number]];
  const expected = crypto.keccak256(toUtf8("\x19Ethereum Signed Message:\n12grüße 👋"));
  expect(toUtf8("grüße 👋").length).toBe(12);
  expect(a).toEqual(expected);
});

test("whatever 65 bytes are, recovery answers an address or undefined, alike on both", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(bytes(32), bytes(64), fc.nat({ max: 40 }), (digest, body, v) => {
      const [a, b] = everyOne((c) => eip191Recover(c, digest, concat(body, Uint8Array.of(v))));
      expect(b).toBe(a);
      if (a !== undefined) expect(a).toMatch(/^0x[0-9a-f]{40}$/);
    }),
    { seed: 1, numRuns: 200 },
  );
});
