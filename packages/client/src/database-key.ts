import { concat, fromHex, toUtf8 } from "@coterie/base";
import { labels, normalizeEip191Signature } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";
import type { EoaSigner, Signer } from "@coterie/identity";
import { ClientError } from "./errors.ts";

/** Whether a wallet signs one text twice the same is up to the wallet; RFC 6979, which most follow, says it does. */
export interface DatabaseKeyOptions {
  /** Names the app, so that no two apps ask for one key. */
  readonly app: string;
  /** Asks the wallet twice and refuses one that answers differently: with it the key could not be found again. Default false. */
  readonly checkWallet?: boolean | undefined;
}

/** What the wallet is asked to sign. It never changes: another text is another key. */
export function databaseKeyText(app: string, identifier: string): string {
  return [
    "Unlock the messages on this device",
    "",
    "This signature is the key to the messages that are stored here. Sign it in no other app.",
    "",
    `App: ${app}`,
    `Account: ${identifier.toLowerCase()}`,
  ].join("\n");
}

/**
 * A 32-byte database key out of a wallet's signature: nothing to keep, but whoever gets that signature can read the file, and a
 * lost wallet loses it. Better, where there is one: a random key in the platform's key store. Throws `client/unsupported` for contract wallets,
 * passkeys and wallets whose signatures differ, `client/bad-argument` for a signature that is none.
 */
export async function deriveDatabaseKey(
  signer: Signer,
  options: DatabaseKeyOptions,
  crypto: CryptoProvider,
): Promise<Uint8Array> {
  // A contract's signature is whatever its owners make of it.
  if (signer.type !== "EOA") throw new ClientError("client/unsupported", { signer: signer.type });
  const { identifier } = await signer.getIdentifier();
  const text = databaseKeyText(options.app, identifier);
  const secret = await signatureOf(signer, text);
  if (options.checkWallet === true) {
    const again = await signatureOf(signer, text);
    if (again.some((byte, i) => byte !== secret[i])) {
      throw new ClientError("client/unsupported", { what: "a wallet that signs at random" });
    }
  }
  const salt = toUtf8(labels.databaseKey);
  const info = concat(toUtf8(options.app), new Uint8Array(1), toUtf8(identifier.toLowerCase()));
  return crypto.hkdfExpand("sha256", crypto.hkdfExtract("sha256", salt, secret), info, 32);
}

/** R and S with S low: wallets differ in V and in the half of S for one and the same signature. */
async function signatureOf(signer: EoaSigner, text: string): Promise<Uint8Array> {
  const normalized = normalizeEip191Signature(await signer.signMessage(text));
  if (!normalized) throw new ClientError("client/bad-argument", { argument: "signature" });
  return normalized.subarray(0, 64);
}

/** A database key as apps give it: 32 bytes, or as many in hex with or without 0x. Throws `client/bad-argument`. */
export function parseDatabaseKey(key: Uint8Array | string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = typeof key === "string" ? fromHex(key.replace(/^0x/i, "")) : key;
  } catch (cause) {
    throw new ClientError("client/bad-argument", { argument: "dbEncryptionKey" }, { cause });
  }
  if (bytes.length !== 32) {
    throw new ClientError("client/bad-argument", {
      argument: "dbEncryptionKey",
      limit: 32,
      size: bytes.length,
    });
  }
  return bytes;
}
