import { createHash, randomBytes, scrypt } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Store } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";
import type { PersistenceConfig } from "../api/config/service.ts";
import { SessionError } from "../errors.ts";

/** scrypt as RFC 7914 advises for interactive use and OWASP for storage: 32 MiB and some 100 ms for each guess. */
const cost = { N: 2 ** 15, r: 8, p: 3 } as const;
const keyBytes = 32;
const stretch = promisify(
  scrypt as (
    password: string,
    salt: Uint8Array,
    length: number,
    options: {
      readonly N: number;
      readonly r: number;
      readonly p: number;
      readonly maxmem: number;
    },
    done: (error: Error | null, key: Buffer) => void,
  ) => void,
);

interface Beside {
  readonly v: 1;
  readonly kdf: "scrypt";
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  /** Where no passphrase was given: the key itself. */
  readonly key?: string | undefined;
}

/** One encrypted file for each app in the folder, and beside it how its key is made. */
export async function openNodeStore(config: PersistenceConfig, app: string): Promise<Store> {
  const { path: folder, passphrase } = config;
  if (typeof folder !== "string" || folder === "") {
    throw new SessionError("session/bad-argument", { what: "path" });
  }
  const name = createHash("sha256").update(app).digest("hex").slice(0, 32);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SessionError("session/bad-argument", { what: "path" }, cause);
  }
  const beside = readBeside(join(folder, `${name}.key`), passphrase === undefined);
  const key = await keyOf(beside, passphrase);
  try {
    return await openSqliteStore({ path: join(folder, `${name}.db`), key });
  } finally {
    key.fill(0);
  }
}

async function keyOf(beside: Beside, passphrase: string | undefined): Promise<Uint8Array> {
  if (passphrase === undefined) {
    if (beside.key === undefined) {
      throw new SessionError("session/bad-argument", { what: "passphrase", reason: "needed" });
    }
    return Uint8Array.from(Buffer.from(beside.key, "hex"));
  }
  if (beside.key !== undefined) {
    throw new SessionError("session/bad-argument", { what: "passphrase", reason: "not used" });
  }
  const { N, r, p, salt } = beside;
  const options = { N, r, p, maxmem: 256 * N * r };
  return new Uint8Array(
    await stretch(passphrase.normalize("NFKC"), Buffer.from(salt, "hex"), keyBytes, options),
  );
}

function readBeside(path: string, isOpen: boolean): Beside {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ENOENT") {
      throw new SessionError("session/storage-failed", { what: "key file" }, cause);
    }
    const made: Beside = {
      v: 1,
      kdf: "scrypt",
      ...cost,
      salt: randomBytes(16).toString("hex"),
      key: isOpen ? randomBytes(keyBytes).toString("hex") : undefined,
    };
    writeFileSync(path, JSON.stringify(made), { mode: 0o600, flag: "wx", flush: true });
    return made;
  }
  return parseBeside(text);
}

/** Refuses what would take all memory or no time at all. */
function parseBeside(text: string): Beside {
  let beside: Partial<Beside> | null = null;
  try {
    beside = JSON.parse(text) as Partial<Beside> | null;
  } catch {
    // told below
  }
  const { v, kdf, N = 0, r = 0, p = 0, salt = "" } = beside ?? {};
  const sound =
    v === 1 &&
    kdf === "scrypt" &&
    N >= 2 ** 14 &&
    N <= 2 ** 20 &&
    r === 8 &&
    p >= 1 &&
    p <= 16 &&
    /^[0-9a-f]{32}$/.test(salt) &&
    (beside?.key === undefined || /^[0-9a-f]{64}$/.test(beside.key));
  if (!sound) throw new SessionError("session/storage-failed", { what: "key file" });
  return beside as Beside;
}
