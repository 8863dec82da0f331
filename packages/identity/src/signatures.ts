import { fromHex, type InstallationId, toHex, toUtf8 } from "@coterie/base";
import {
  type CryptoProvider,
  eip191Digest,
  eip191Recover,
  labels,
  normalizeEip191Signature,
} from "@coterie/crypto";
import type { Signature } from "@coterie/wire";
import { contractCheckFor, contractCheckKey, type ContractVerdicts } from "./contracts.ts";
import { IdentityError } from "./errors.ts";
import { verifyLegacyDelegated } from "./legacy.ts";
import { verifyPasskey } from "./passkey.ts";
import { signatureCacheKey, type SignatureCache } from "./signature-cache.ts";
import type { VerifiedSignature } from "./verified-signature.ts";

export interface VerifyEnv {
  readonly crypto: CryptoProvider;
  /** Answers for contract wallets; needed where the update holds erc_6492 signatures. */
  readonly contracts?: ContractVerdicts | undefined;
  /** Remembers what was verified: recovering a wallet takes milliseconds. */
  readonly cache?: SignatureCache | undefined;
}

/**
 * The signer of a text (XID-10 to XID-14). Throws `identity/bad-signature`, or `identity/contract-check-missing` where a contract
 * wallet's verdict was not given.
 */
export function verifySignature(
  env: VerifyEnv,
  text: string,
  signature: Signature,
): VerifiedSignature {
  // A contract's verdict belongs to its block and is remembered by whoever asked.
  if (signature.kind === "erc6492") return verifyContract(env, text, signature.value);
  const key = env.cache && signatureCacheKey(env.crypto, text, signature);
  const known = key === undefined ? undefined : env.cache?.get(key);
  if (known !== undefined) return known;
  const verified = verifyFresh(env.crypto, text, signature);
  if (key !== undefined) env.cache?.set(key, verified);
  return verified;
}

function verifyFresh(
  crypto: CryptoProvider,
  text: string,
  signature: Exclude<Signature, { readonly kind: "erc6492" }>,
): VerifiedSignature {
  switch (signature.kind) {
    case "erc191": {
      // XID-10.
      const { bytes } = signature.value;
      const normalized = normalizeEip191Signature(bytes);
      const address = normalized && eip191Recover(crypto, eip191Digest(crypto, text), normalized);
      if (normalized === undefined || address === undefined) return bad("XID-10");
      return {
        signer: { kind: "ethereum", address },
        kind: "erc191",
        replay: toHex(normalized),
      };
    }
    case "installationKey": {
      // XID-11.
      const { bytes, publicKey } = signature.value;
      const context = toUtf8(labels.identityUpdateContext);
      if (!crypto.ed25519phVerify(publicKey, toUtf8(text), context, bytes)) return bad("XID-11");
      return {
        signer: { kind: "installation", id: toHex(publicKey) as InstallationId },
        kind: "installation-key",
        replay: toHex(bytes),
      };
    }
    case "delegatedErc191": {
      const found = verifyLegacyDelegated(crypto, text, signature.value);
      if (found === undefined) return bad("XID-14");
      return {
        signer: { kind: "ethereum", address: found.address },
        kind: "legacy-delegated",
        replay: toHex(found.replay),
      };
    }
    case "passkey": {
      const found = verifyPasskey(crypto, text, signature.value);
      if (found === undefined) return bad("XID-13");
      return { signer: found.signer, kind: "passkey", replay: toHex(found.replay) };
    }
    case "unset":
      throw new IdentityError("identity/bad-update", { what: "signature" });
  }
}

/** XID-12. */
function verifyContract(
  env: VerifyEnv,
  text: string,
  wallet: {
    readonly accountId: string;
    readonly blockNumber: bigint;
    readonly signature: Uint8Array;
  },
): VerifiedSignature {
  const check = contractCheckFor(env.crypto, text, wallet);
  const verdict = env.contracts?.get(contractCheckKey(env.crypto, check));
  if (verdict === undefined) {
    throw new IdentityError("identity/contract-check-missing", { rule: "XID-12" });
  }
  if (!verdict.isValid) return bad("XID-12");
  return {
    signer: { kind: "ethereum", address: check.address },
    kind: "erc1271",
    replay: toHex(wallet.signature),
    chainId: check.chainId,
  };
}

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * One text for all encodings of one signature: without V for wallets, S in the lower half for passkeys. Released clients tell those
 * encodings apart (XID-10, XID-13), so that verdicts on stored logs must too; a node compares by this before it stores.
 */
export function canonicalReplay(signature: VerifiedSignature): string {
  if (signature.kind === "erc191" || signature.kind === "legacy-delegated") {
    return signature.replay.slice(0, 128);
  }
  if (signature.kind !== "passkey") return signature.replay;
  const bytes = fromHex(signature.replay);
  const s = BigInt(`0x${toHex(bytes.subarray(32))}`);
  const low = s > p256Order / 2n ? p256Order - s : s;
  return toHex(bytes.subarray(0, 32)) + low.toString(16).padStart(64, "0");
}

function bad(rule: string): never {
  throw new IdentityError("identity/bad-signature", { rule });
}
