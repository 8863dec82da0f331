import { decodeWith, encodeWith } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { MlsError } from "./errors.ts";
import { readNumbers, writeNumbers } from "./leaf-node.ts";
import { extensionTypes } from "./registry.ts";
import { allSupportCredential, allSupportExtension, allSupportProposal } from "./tree-support.ts";
import type { Support } from "./tree-node.ts";
import type { Extension } from "./types.ts";

/** What every member has to support (RFC 9420 §11.1). */
export interface RequiredCapabilities {
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
  readonly credentials: readonly number[];
}

function write(w: Writer, required: RequiredCapabilities): void {
  writeNumbers(w, required.extensions);
  writeNumbers(w, required.proposals);
  writeNumbers(w, required.credentials);
}

function read(r: Reader): RequiredCapabilities {
  return { extensions: readNumbers(r), proposals: readNumbers(r), credentials: readNumbers(r) };
}

/** The content of a `required_capabilities` extension. */
export function encodeRequiredCapabilities(
  required: RequiredCapabilities,
): Uint8Array<ArrayBuffer> {
  return encodeWith(write, required);
}

export function decodeRequiredCapabilities(bytes: Uint8Array): RequiredCapabilities {
  return decodeWith(read, bytes);
}

/** The first extension of a type, if there is one. */
export function findExtension(
  extensions: readonly Extension[],
  type: number,
): Extension | undefined {
  return extensions.find((extension) => extension.type === type);
}

/** RFC 9420 §13.4: no list of extensions has two of a type. Throws `mls/duplicate-extension`. */
export function checkDistinctExtensions(extensions: readonly Extension[]): void {
  const seen = new Set<number>();
  for (const { type } of extensions) {
    if (seen.has(type)) throw new MlsError("mls/duplicate-extension", { type });
    seen.add(type);
  }
}

/**
 * RFC 9420 §7.3, §11.1 and §13.4: whoever is in a group supports the extensions of its context and what `required_capabilities`
 * lists. Throws `mls/unsupported` with the missing number.
 */
export function checkSupport(support: Support, extensions: readonly Extension[]): void {
  for (const { type } of extensions) {
    if (!allSupportExtension(support, type)) throw unsupported("extension", type);
  }
  const carried = findExtension(extensions, extensionTypes.requiredCapabilities);
  if (carried === undefined) return;
  const required = decodeRequiredCapabilities(carried.data);
  for (const type of required.extensions) {
    if (!allSupportExtension(support, type)) throw unsupported("extension", type);
  }
  for (const type of required.proposals) {
    if (!allSupportProposal(support, type)) throw unsupported("proposal", type);
  }
  for (const type of required.credentials) {
    if (!allSupportCredential(support, type)) throw unsupported("credential", type);
  }
}

/** `mls/unsupported`: somebody would have to understand what their capabilities do not list. */
export function unsupported(what: "extension" | "proposal" | "credential", type: number): MlsError {
  return new MlsError("mls/unsupported", { what, type });
}
