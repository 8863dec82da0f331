import { createHmac, randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { equal, equalConstantTime, toUtf8 } from "@coterie/base";
import { StorageError } from "../errors.ts";

/** What the first bytes of a file say about it. */
export type FileKind =
  | { readonly kind: "new" }
  | { readonly kind: "plain" }
  /** The engine's salt: the first 16 bytes, which only make sense to whoever has the key. */
  | { readonly kind: "encrypted"; readonly salt: Uint8Array }
  | { readonly kind: "foreign" };

const saltLength = 16;
const headerLength = 24;
const plainMagic = toUtf8("SQLite format 3\0");
// Offset 16 to 23 of every page 1 stay readable: page size 4096, journal versions, 32 reserved bytes, three fixed fractions.
const pageSize = Uint8Array.of(0x10, 0x00);
const reservedAndFractions = Uint8Array.of(0x20, 0x40, 0x20, 0x20);

/** Looks at a file without the engine, so that nothing changes where key and file do not fit. Needs the lock held. */
export function inspect(path: string): FileKind {
  const header = readHeader(path);
  if (header === undefined || header.length === 0) return { kind: "new" };
  if (equal(header.subarray(0, saltLength), plainMagic)) return { kind: "plain" };
  const ours =
    header.length === headerLength &&
    equal(header.subarray(16, 18), pageSize) &&
    equal(header.subarray(20, 24), reservedAndFractions);
  return ours ? { kind: "encrypted", salt: header.subarray(0, saltLength) } : { kind: "foreign" };
}

/**
 * A salt for a new file: 8 random bytes and 8 that only the key can derive from them. With a raw key the engine wants a salt but
 * no secrecy of it, so it can tell a wrong key from a damaged page.
 */
export function createSalt(key: Uint8Array): Uint8Array {
  const salt = new Uint8Array(saltLength);
  salt.set(randomBytes(8));
  salt.set(keyCheck(key, salt), 8);
  return salt;
}

/** Whether a salt was made with this key. */
export function saltFits(salt: Uint8Array, key: Uint8Array): boolean {
  return equalConstantTime(salt.subarray(8), keyCheck(key, salt));
}

function keyCheck(key: Uint8Array, salt: Uint8Array): Uint8Array {
  const mac = createHmac("sha256", key).update("coterie storage key check\0");
  return new Uint8Array(mac.update(salt.subarray(0, 8)).digest().subarray(0, 8));
}

function readHeader(path: string): Uint8Array | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (!stat.isFile()) throw new StorageError("storage/bad-path", { found: "no file" });
    const file = openSync(path, "r");
    try {
      const header = new Uint8Array(headerLength);
      return header.subarray(0, readSync(file, header, 0, headerLength, 0));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    const system = (cause as { code?: string }).code;
    const code = system === "EIO" ? "storage/io" : "storage/bad-path";
    throw new StorageError(code, { system }, cause);
  }
}
