import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CryptoError } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";
import { nobleProvider } from "@coterie/crypto/noble";
import { loadOpensslProvider, opensslProvider } from "@coterie/crypto/openssl";
import { loadWasmProvider } from "@coterie/crypto/wasm";
import { expect } from "vitest";

/** Those with libsecp256k1 and the equation of Ed25519 in WebAssembly. */
export const accelerated: readonly CryptoProvider[] = [
  await loadWasmProvider(),
  await loadOpensslProvider(),
];
export const providers: readonly CryptoProvider[] = [
  nobleProvider,
  opensslProvider,
  ...accelerated,
];

/** A result, or the code of the failure: anything else than a CryptoError is a fault of ours and goes through. */
export function outcome<T>(run: () => T): { readonly value: T } | { readonly code: string } {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof CryptoError) return { code: error.code };
    throw error;
  }
}

export const [noble, openssl] = [nobleProvider, opensslProvider];

/** What both providers answer to one question; they must agree in value or in code. */
export function both<T>(ask: (crypto: CryptoProvider) => T): readonly [noble: T, openssl: T] {
  return [ask(noble), ask(openssl)];
}

/** {@link both} of a question that the accelerated providers answer with other means, and alike. */
export function everyOne<T>(ask: (crypto: CryptoProvider) => T): readonly [noble: T, openssl: T] {
  const answers = both(ask);
  expect(accelerated.map(ask)).toEqual(answers);
  return answers;
}

const folder = process.env["COTERIE_VECTORS"];

/** Whether `COTERIE_VECTORS` holds the Wycheproof files; says so once where it does not. */
export const hasVectors: boolean = folder !== undefined && existsSync(join(folder, "wycheproof"));
if (!hasVectors) console.log("COTERIE_VECTORS is not set: the Wycheproof files are skipped");

export interface WycheproofFile<G> {
  readonly testGroups: readonly G[];
}

export function wycheproof<G>(name: string): WycheproofFile<G> {
  const path = join(folder as string, "wycheproof", `${name}_test.json`);
  return JSON.parse(readFileSync(path, "utf8")) as WycheproofFile<G>;
}

/** Data beside the tests, with its source named in it. */
export function data<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`data/${name}.json`, import.meta.url), "utf8")) as T;
}
