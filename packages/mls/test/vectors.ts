import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex } from "@coterie/base";
import { cipherSuites } from "@coterie/crypto";
import type { CipherSuite } from "@coterie/crypto";
import { test } from "vitest";

const folder = process.env["COTERIE_VECTORS"];

/**
 * A test over all cases of one official file. Skipped, with one line that says so, where the vectors are not at hand. `run` answers
 * how many cases it checked.
 */
export function vectorTest<Case>(
  file: string,
  title: string,
  run: (cases: Case[]) => number,
): void {
  if (folder === undefined) {
    test.skip(`${title} (COTERIE_VECTORS is not set)`, () => {});
    return;
  }
  test(title, { timeout: 300_000 }, () => {
    const cases = JSON.parse(readFileSync(join(folder, "mls", `${file}.json`), "utf8")) as Case[];
    console.log(`${file}: ${run(cases)} cases passed`);
  });
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
