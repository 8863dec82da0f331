import { concat, fromUtf8, systemRandom, toUtf8 } from "@coterie/base";
import type { Bytes } from "@coterie/base";
import { StorageError } from "../errors.ts";

/** What a page stores in the clear about how the rest is sealed. */
export interface Header {
  /** Of what the tables hold; the tables themselves have the browser's version. */
  readonly format: number;
  readonly salt: Uint8Array;
  /** Something that only the right key opens. */
  readonly check: Uint8Array;
}

/** Seals and opens the records of one table. The place of a record is bound into it: moved elsewhere, it does not open. */
interface Sealer {
  seal(at: number, plain: Uint8Array): Promise<Bytes>;
  /** Throws `storage/corrupt`. */
  open(at: number, sealed: unknown): Promise<Bytes>;
}

export interface Sealers {
  readonly values: Sealer;
  readonly names: Sealer;
}

const FORMAT = 1;
const nonceLength = 12;
const tagLength = 16;
const checkText = "coterie";

/** Makes the header of a new store. */
export async function createHeader(subtle: SubtleCrypto, master: CryptoKey): Promise<Header> {
  const salt = systemRandom.bytes(32);
  const sealer = await sealerOf(subtle, master, salt, "check");
  return { format: FORMAT, salt, check: await sealer.seal(0, toUtf8(checkText)) };
}

/** The sealers of a store. Throws `storage/wrong-key`, `storage/newer-version`, `storage/not-a-store`. */
export async function openHeader(
  subtle: SubtleCrypto,
  master: CryptoKey,
  header: Header | undefined,
): Promise<Sealers> {
  const { format, salt, check } = header ?? {};
  if (!Number.isSafeInteger(format) || !(salt instanceof Uint8Array) || salt.length !== 32) {
    throw new StorageError("storage/not-a-store", { what: "header" });
  }
  if (format !== FORMAT) {
    throw new StorageError("storage/newer-version", { found: format, known: FORMAT });
  }
  const checker = await sealerOf(subtle, master, salt, "check");
  try {
    if (fromUtf8(await checker.open(0, check)) !== checkText) throw new Error("another text");
  } catch (cause) {
    throw new StorageError("storage/wrong-key", {}, cause);
  }
  return {
    values: await sealerOf(subtle, master, salt, "values"),
    names: await sealerOf(subtle, master, salt, "names"),
  };
}

/** Takes 32 bytes, or a key that the page cannot read itself. Throws `storage/bad-key`. */
export async function masterKey(
  subtle: SubtleCrypto,
  key: Uint8Array | CryptoKey,
): Promise<CryptoKey> {
  if (key instanceof Uint8Array) {
    if (key.length !== 32) {
      throw new StorageError("storage/bad-key", { limit: 32, size: key.length });
    }
    return subtle.importKey("raw", new Uint8Array(key), "HKDF", false, ["deriveKey"]);
  }
  const usable = key?.algorithm?.name === "HKDF" && key.usages.includes("deriveKey");
  if (!usable) throw new StorageError("storage/bad-key", { found: typeof key });
  return key;
}

async function sealerOf(
  subtle: SubtleCrypto,
  master: CryptoKey,
  salt: Uint8Array,
  table: "check" | "values" | "names",
): Promise<Sealer> {
  const key = await subtle.deriveKey(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: new Uint8Array(salt),
      info: toUtf8(`coterie storage ${table}`),
    },
    master,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
  const place = (at: number): Bytes => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, at);
    return bytes;
  };
  return {
    async seal(at, plain) {
      // 2^32 random nonces under one key are the standard's limit; each value written takes one.
      const iv = systemRandom.bytes(nonceLength);
      const algorithm = { name: "AES-GCM", iv, additionalData: place(at) };
      const sealed = await subtle.encrypt(algorithm, key, plain as Bytes);
      return concat(iv, new Uint8Array(sealed));
    },
    async open(at, sealed) {
      const whole = sealed instanceof Uint8Array && sealed.length >= nonceLength + tagLength;
      if (!whole) throw new StorageError("storage/corrupt", { table, missing: "record" });
      const iv = sealed.slice(0, nonceLength);
      const algorithm = { name: "AES-GCM", iv, additionalData: place(at) };
      try {
        return new Uint8Array(
          await subtle.decrypt(algorithm, key, sealed.subarray(nonceLength) as Bytes),
        );
      } catch (cause) {
        throw new StorageError("storage/corrupt", { table }, cause);
      }
    },
  };
}
