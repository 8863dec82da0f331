import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex } from "@coterie/base";
import { cipherSuites } from "@coterie/crypto";
import type { CipherSuite } from "@coterie/crypto";

const folder = process.env["COTERIE_VECTORS"];

/** For `test.skipIf`: true where the official vectors are not at hand. */
export const noVectors: boolean = folder === undefined;
if (noVectors) console.log("skipped: official vectors (COTERIE_VECTORS is not set)");

/** All cases of one official file. */
export function casesOf<Case>(file: string): Case[] {
  if (folder === undefined) throw new Error("COTERIE_VECTORS is not set");
  return JSON.parse(readFileSync(join(folder, "mls", `${file}.json`), "utf8")) as Case[];
}

export function report(file: string, count: number): void {
  console.log(`${file}: ${count} cases passed`);
}

/** The suite of a case. */
export function suiteOf(id: number): CipherSuite {
  const suite = cipherSuites.get(id);
  if (!suite) throw new Error(`no suite ${id}`);
  return suite;
}

export const hex = fromHex;

const scalarLengths: Readonly<Record<string, number>> = { p256: 32, p384: 48, p521: 66 };

/** A private key of the vectors, whose P-521 scalars may lack their leading zeros. */
export function privateKey(curve: string, text: string): Uint8Array {
  const length = scalarLengths[curve];
  return fromHex(length === undefined ? text : text.padStart(2 * length, "0"));
}
