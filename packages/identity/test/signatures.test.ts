import { fromUtf8, toHex, toUtf8 } from "@coterie/base";
import { ecdsaFromDer, ecdsaToDer } from "@coterie/crypto";
import type { Signature } from "@coterie/wire";
import { expect, test } from "vitest";
import {
  createInstallation,
  createSignatureCache,
  neededContractChecks,
  resolveContractChecks,
  type SignatureCache,
  signWithInstallationKey,
  type VerifiedSignature,
  verifySignature,
  verifySignedWithPublicKey,
  verifyUpdate,
} from "../src/index.ts";
import {
  contract,
  device,
  eachProvider,
  legacy,
  passkey,
  refusal,
  sign,
  verdictsFor,
  wallet,
} from "./world.ts";

const text = "a text that nobody signs by accident";
const secpOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The same R, S on the other side of the order. */
function otherS(bytes: Uint8Array, order: bigint): Uint8Array {
  const s = BigInt(`0x${toHex(bytes.subarray(32, 64))}`);
  const out = Uint8Array.from(bytes);
  let rest = order - s;
  for (let i = 63; i >= 32; i--, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

eachProvider((crypto) => {
  const verify = (signature: Signature, over = text) =>
    verifySignature({ crypto }, over, signature);
  const ada = wallet(crypto, 1);

  const wallets = (bytes: Uint8Array): Signature => ({ kind: "erc191", value: { bytes } });
  function signedByAda(): Uint8Array {
    const signature = ada.sign(text);
    if (signature.kind !== "erc191") throw new Error("kind");
    return signature.value.bytes;
  }

  test("XID-10: a wallet's signature names its address; its bytes are the replay bytes", () => {
    const bytes = signedByAda();
    expect(verify(wallets(bytes))).toEqual({
      signer: ada.id,
      kind: "erc191",
      replay: toHex(bytes),
    });
  });

  test("XID-10: V may be 0 or 1 and EIP-155 too; the replay bytes keep it", () => {
    const bytes = signedByAda();
    const recovery = (bytes[64] as number) - 27;
    for (const v of [recovery, 27 + recovery, 35 + recovery, 37 + recovery]) {
      const variant = Uint8Array.from(bytes);
      variant[64] = v;
      expect(verify(wallets(variant))).toMatchObject({ signer: ada.id, replay: toHex(variant) });
    }
  });

  test("XID-10: a high S is normalised with V kept as it is", () => {
    const bytes = signedByAda();
    const high = otherS(bytes, secpOrder);
    expect(verify(wallets(high))).toEqual(verify(wallets(bytes)));
  });

  test("XID-10: forged wallet signatures name somebody else or nobody", () => {
    const bytes = signedByAda();
    for (const length of [0, 64, 66]) {
      expect(refusal(() => verify(wallets(new Uint8Array(length).fill(1))))).toBe(
        "identity/bad-signature XID-10",
      );
    }
    expect(refusal(() => verify(wallets(new Uint8Array(65))))).toBe(
      "identity/bad-signature XID-10",
    );
    const wrongV = Uint8Array.from(bytes);
    wrongV[64] = 30;
    expect(refusal(() => verify(wallets(wrongV)))).toBe("identity/bad-signature XID-10");
    expect(verify(wallets(bytes), `${text}!`).signer).not.toEqual(ada.id);
  });

  test("XID-11: an installation's signature holds for its key, text and context alone", () => {
    const phone = device(crypto, 11);
    const signature = phone.sign(text);
    if (signature.kind !== "installationKey") throw new Error("kind");
    const { bytes, publicKey } = signature.value;
    expect(verify(signature)).toEqual({
      signer: phone.id,
      kind: "installation-key",
      replay: toHex(bytes),
    });
    const forge = (value: typeof signature.value): Signature => ({
      kind: "installationKey",
      value,
    });
    const flipped = Uint8Array.from(bytes);
    flipped[3] = (flipped[3] as number) ^ 1;
    const installation = createInstallation(crypto);
    const publicSignature = signWithInstallationKey(crypto, installation, text);
    const forgeries: Signature[] = [
      forge({ bytes: flipped, publicKey }),
      forge({ bytes, publicKey: installation.publicKey }),
      forge({ bytes, publicKey: publicKey.subarray(1) }),
      forge({ bytes: bytes.subarray(1), publicKey }),
      // Plain Ed25519 and the public context are other signatures.
      forge({
        bytes: crypto.sign("ed25519", installation.privateKey, toUtf8(text)),
        publicKey: installation.publicKey,
      }),
      forge({ bytes: publicSignature, publicKey: installation.publicKey }),
    ];
    for (const forged of forgeries) {
      expect(refusal(() => verify(forged))).toBe("identity/bad-signature XID-11");
    }
    expect(refusal(() => verify(signature, `${text}!`))).toBe("identity/bad-signature XID-11");
  });

  test("XID-11: public signatures have a context of their own", () => {
    const installation = createInstallation(crypto);
    const signature = signWithInstallationKey(crypto, installation, text);
    const { publicKey } = installation;
    expect(verifySignedWithPublicKey(crypto, text, signature, publicKey)).toBe(true);
    expect(verifySignedWithPublicKey(crypto, `${text}!`, signature, publicKey)).toBe(false);
    expect(verifySignedWithPublicKey(crypto, text, signature.subarray(1), publicKey)).toBe(false);
    const phone = device(crypto, 11).sign(text);
    if (phone.kind !== "installationKey") throw new Error("kind");
    const { bytes } = phone.value;
    expect(verifySignedWithPublicKey(crypto, text, bytes, phone.value.publicKey)).toBe(false);
  });

  test("XID-12: a contract's signature waits for its chain's verdict and follows it", async () => {
    const safe = contract(0x51, 8453n);
    const update = sign("inbox", [{ create: safe.id, signer: safe }]);
    expect(refusal(() => verifyUpdate({ crypto }, update))).toBe(
      "identity/contract-check-missing XID-12",
    );
    const [check, ...others] = neededContractChecks(crypto, update);
    expect(others).toEqual([]);
    expect(check).toMatchObject({
      chainId: 8453n,
      blockNumber: 7n,
      address: `0x${"51".repeat(20)}`,
    });
    const asked: unknown[] = [];
    const contracts = await resolveContractChecks(
      crypto,
      {
        verify: async (checks) => {
          asked.push(...checks);
          return checks.map(() => ({ isValid: true }));
        },
      },
      check ? [check] : [],
    );
    expect(asked).toEqual([check]);
    const [action] = verifyUpdate({ crypto, contracts }, update).actions;
    expect(action).toMatchObject({
      signature: { signer: safe.id, kind: "erc1271", replay: "510500", chainId: 8453n },
    });
    const refused = verdictsFor(crypto, update, false);
    expect(refusal(() => verifyUpdate({ crypto, contracts: refused }, update))).toBe(
      "identity/bad-signature XID-12",
    );
    // A verdict for another text says nothing about this one.
    const other = sign("other", [{ create: safe.id, signer: safe }]);
    expect(refusal(() => verifyUpdate({ crypto, contracts }, other))).toBe(
      "identity/contract-check-missing XID-12",
    );
  });

  test.each([
    "eip155:1",
    "eip155:1:0x5151515151515151515151515151515151515151:x",
    "eip155::0x5151515151515151515151515151515151515151",
    "eip155:99999999999999999999:0x5151515151515151515151515151515151515151",
    "eip155:0x1:0x5151515151515151515151515151515151515151",
    "eip155:1:safe.eth",
    "solana:1:0x5151515151515151515151515151515151515151",
    "",
  ])("XID-12: %j is no account", (accountId) => {
    const value = { accountId, blockNumber: 1n, signature: Uint8Array.of(1) };
    expect(refusal(() => verify({ kind: "erc6492", value }))).toBe("identity/bad-signature XID-12");
  });

  test("XID-13: a passkey signs the text as its challenge", () => {
    for (const compressed of [false, true]) {
      const key = passkey(crypto, 21, { compressed });
      const signature = key.sign(text);
      if (signature.kind !== "passkey") throw new Error("kind");
      const compact = ecdsaFromDer("p256", signature.value.signature);
      expect(verify(signature)).toEqual({
        signer: { ...key.id, relyingParty: "https://app.example" },
        kind: "passkey",
        replay: toHex(compact ?? new Uint8Array()),
      });
    }
  });

  test("XID-13: forged assertions are refused", () => {
    const signature = passkey(crypto, 21).sign(text);
    if (signature.kind !== "passkey") throw new Error("kind");
    const { value } = signature;
    const json = (change: (data: Record<string, unknown>) => void): Uint8Array => {
      const data = JSON.parse(fromUtf8(value.clientDataJson));
      change(data);
      return toUtf8(JSON.stringify(data));
    };
    const changed: Partial<typeof value>[] = [
      { clientDataJson: json((data) => (data["challenge"] += "=")) },
      { clientDataJson: json((data) => delete data["origin"]) },
      { clientDataJson: json((data) => (data["origin"] = "https://evil.example")) },
      { clientDataJson: toUtf8("not json") },
      { clientDataJson: toUtf8("null") },
      { clientDataJson: Uint8Array.of(0xff) },
      { authenticatorData: value.authenticatorData.subarray(1) },
      { signature: value.signature.subarray(1) },
      { signature: new Uint8Array() },
      { publicKey: value.publicKey.subarray(1) },
      { publicKey: new Uint8Array(65).fill(4) },
    ];
    for (const change of changed) {
      expect(refusal(() => verify({ kind: "passkey", value: { ...value, ...change } }))).toBe(
        "identity/bad-signature XID-13",
      );
    }
    expect(refusal(() => verify(signature, `${text}!`))).toBe("identity/bad-signature XID-13");
  });

  test("XID-13: either S verifies and each has replay bytes of its own", () => {
    const signature = passkey(crypto, 21).sign(text);
    if (signature.kind !== "passkey") throw new Error("kind");
    const compact = ecdsaFromDer("p256", signature.value.signature) ?? new Uint8Array();
    const other = otherS(compact, p256Order);
    const value = { ...signature.value, signature: ecdsaToDer(other) };
    expect(verify({ kind: "passkey", value }).replay).toBe(toHex(other));
  });

  test("XID-14: a V2 key speaks for the wallet that vouched for it", () => {
    const old = legacy(crypto, 1, 31);
    const signature = old.sign(text);
    if (signature.kind !== "delegatedErc191") throw new Error("kind");
    const verified = verify(signature);
    expect(verified).toMatchObject({ signer: ada.id, kind: "legacy-delegated" });
    const inner = signature.value.delegatedKey?.signature;
    if (inner?.kind !== "walletEcdsaCompact") throw new Error("kind");
    expect(verified.replay.slice(0, 128)).toBe(toHex(inner.value.bytes));
    expect(verified.replay.slice(128)).toBe(`0${inner.value.recovery}`);
  });

  test("XID-14: forged delegations are refused or name another wallet", () => {
    const one = legacy(crypto, 1, 31).sign(text);
    const two = legacy(crypto, 1, 32).sign(text);
    if (one.kind !== "delegatedErc191" || two.kind !== "delegatedErc191") throw new Error("kind");
    const refused: Signature[] = [
      // The signature of one key under the voucher of another.
      { kind: "delegatedErc191", value: { ...one.value, signature: two.value.signature } },
      { kind: "delegatedErc191", value: { signature: one.value.signature } },
      { kind: "delegatedErc191", value: { delegatedKey: one.value.delegatedKey } },
      {
        kind: "delegatedErc191",
        value: {
          ...one.value,
          delegatedKey: {
            keyBytes: new Uint8Array(),
            signature: one.value.delegatedKey?.signature,
          },
        },
      },
      {
        kind: "delegatedErc191",
        value: {
          ...one.value,
          delegatedKey: {
            keyBytes: Uint8Array.of(0xff),
            signature: one.value.delegatedKey?.signature,
          },
        },
      },
    ];
    for (const forged of refused) {
      expect(refusal(() => verify(forged))).toBe("identity/bad-signature XID-14");
    }
    expect(refusal(() => verify(one, `${text}!`))).toBe("identity/bad-signature XID-14");
  });

  test("a cache answers for the same text and signature alone, and stays within its bound", () => {
    const calls = { get: 0, hits: 0, set: 0 };
    const inner = createSignatureCache(2);
    const cache: SignatureCache = {
      get(key) {
        calls.get++;
        const found = inner.get(key);
        if (found) calls.hits++;
        return found;
      },
      set(key, value: VerifiedSignature) {
        calls.set++;
        inner.set(key, value);
      },
    };
    const signature = ada.sign(text);
    const first = verifySignature({ crypto, cache }, text, signature);
    expect(verifySignature({ crypto, cache }, text, signature)).toBe(first);
    expect(calls).toEqual({ get: 2, hits: 1, set: 1 });
    expect(verifySignature({ crypto, cache }, `${text}!`, signature).signer).not.toEqual(ada.id);
    verifySignature({ crypto, cache }, `${text}?`, signature);
    expect(verifySignature({ crypto, cache }, text, signature)).not.toBe(first);
    const bad: Signature = { kind: "erc191", value: { bytes: new Uint8Array(65) } };
    for (let i = 0; i < 2; i++)
      expect(refusal(() => verifySignature({ crypto, cache }, text, bad))).toMatch(/bad-signature/);
    expect(calls.set).toBe(4);
  });
});
