import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { ScryptOptions } from "node:crypto";
import { createTurns } from "./turns.ts";

const cost: Required<Pick<ScryptOptions, "N" | "r" | "p">> = { N: 16_384, r: 8, p: 1 };
const hashBytes = 32;

/** What is kept of a domain's secret: `scrypt$N$r$p$salt$hash` (SCT-07). Throws `controller/busy`, as the next one does. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(secret, salt, cost);
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64"), hash.toString("base64")].join(
    "$",
  );
}

/** Whether this is the secret; takes as long for one that is not. */
export async function secretMatches(secret: string, kept: string): Promise<boolean> {
  const [kind, n, r, p, salt, hash] = kept.split("$");
  if (kind !== "scrypt" || salt === undefined || hash === undefined) return false;
  const options = { N: Number(n), r: Number(r), p: Number(p) };
  const found = await derive(secret, Buffer.from(salt, "base64"), options);
  const expected = Buffer.from(hash, "base64");
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/** Each takes 16 MiB and some 50 ms of a processor: strangers who try do not take the machine with them. */
const inTurn = createTurns(2, 64);

const derive = (secret: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> =>
  inTurn(() => deriveNow(secret, salt, options));

function deriveNow(secret: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret.normalize("NFC"), salt, hashBytes, options, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
