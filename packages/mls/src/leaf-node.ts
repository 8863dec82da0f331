import { badValue, decodeWith } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { encodingOf, remember } from "./encoded.ts";
import { limits } from "./limits.ts";
import { credentialTypes } from "./registry.ts";
import type {
  Capabilities,
  Credential,
  Extension,
  LeafNode,
  LeafNodeSource,
  Lifetime,
  ParentNode,
  UnsignedLeafNode,
} from "./types.ts";

function writeExtension(w: Writer, extension: Extension): void {
  w.u16(extension.type);
  w.opaque(extension.data);
}

function readExtension(r: Reader): Extension {
  return { type: r.u16(), data: r.opaque() };
}

export function writeExtensions(w: Writer, extensions: readonly Extension[]): void {
  w.vector(extensions, writeExtension);
}

export function readExtensions(r: Reader): Extension[] {
  return r.vector(readExtension, limits.extensions);
}

const writeU16 = (w: Writer, value: number): void => w.u16(value);
const readU16 = (r: Reader): number => r.u16();
const writeU32 = (w: Writer, value: number): void => w.u32(value);
const readU32 = (r: Reader): number => r.u32();

export function writeNumbers(w: Writer, numbers: readonly number[]): void {
  w.vector(numbers, writeU16);
}

export function readNumbers(r: Reader): number[] {
  return r.vector(readU16, limits.capabilities);
}

function writeCapabilities(w: Writer, capabilities: Capabilities): void {
  writeNumbers(w, capabilities.versions);
  writeNumbers(w, capabilities.cipherSuites);
  writeNumbers(w, capabilities.extensions);
  writeNumbers(w, capabilities.proposals);
  writeNumbers(w, capabilities.credentials);
}

/**
 * Members run a handful of releases of a handful of clients: what was read lately is mostly what comes next, and one value for all of them
 * is a third of the memory of a tree.
 */
const lately: { readonly bytes: Uint8Array; readonly capabilities: Capabilities }[] = [];
const latelyKept = 4;

function readCapabilities(r: Reader): Capabilities {
  for (const { bytes, capabilities } of lately) if (r.skip(bytes)) return capabilities;
  const start = r.offset;
  const capabilities: Capabilities = {
    versions: readNumbers(r),
    cipherSuites: readNumbers(r),
    extensions: readNumbers(r),
    proposals: readNumbers(r),
    credentials: readNumbers(r),
  };
  if (lately.length === latelyKept) lately.shift();
  lately.push({ bytes: r.since(start).slice(), capabilities });
  return capabilities;
}

/** Registry number of a credential's type. */
export function credentialType(credential: Credential): number {
  return credential.kind === "unknown" ? credential.type : credentialTypes[credential.kind];
}

export function writeCredential(w: Writer, credential: Credential): void {
  w.u16(credentialType(credential));
  if (credential.kind === "basic") w.opaque(credential.identity);
  else if (credential.kind === "x509") w.vector(credential.certificates, (_, c) => w.opaque(c));
  else w.opaque(credential.data);
}

export function readCredential(r: Reader): Credential {
  const type = r.u16();
  if (type === credentialTypes.basic) return { kind: "basic", identity: r.opaque() };
  if (type === credentialTypes.x509) {
    return {
      kind: "x509",
      certificates: r.vector((reader) => reader.opaque(), limits.certificates),
    };
  }
  return { kind: "unknown", type, data: r.opaque() };
}

function writeLifetime(w: Writer, lifetime: Lifetime): void {
  w.u64(lifetime.notBefore);
  w.u64(lifetime.notAfter);
}

function readLifetime(r: Reader): Lifetime {
  return { notBefore: r.u64(), notAfter: r.u64() };
}

function writeSource(w: Writer, source: LeafNodeSource): void {
  if (source.kind === "key-package") {
    w.u8(1);
    writeLifetime(w, source.lifetime);
  } else if (source.kind === "update") {
    w.u8(2);
  } else {
    w.u8(3);
    w.opaque(source.parentHash);
  }
}

function readSource(r: Reader): LeafNodeSource {
  const source = r.u8();
  if (source === 1) return { kind: "key-package", lifetime: readLifetime(r) };
  if (source === 2) return { kind: "update" };
  if (source === 3) return { kind: "commit", parentHash: r.opaque() };
  throw badValue("leaf_node_source", source);
}

function writeUnsignedLeafNode(w: Writer, leaf: UnsignedLeafNode): void {
  w.opaque(leaf.encryptionKey);
  w.opaque(leaf.signatureKey);
  writeCredential(w, leaf.credential);
  writeCapabilities(w, leaf.capabilities);
  writeSource(w, leaf.source);
  writeExtensions(w, leaf.extensions);
}

function writeWholeLeafNode(w: Writer, leaf: LeafNode): void {
  writeUnsignedLeafNode(w, leaf);
  w.opaque(leaf.signature);
}

/** The bytes of a leaf node as it was received, or as it is first written. */
export function leafNodeBytes(leaf: LeafNode): Uint8Array {
  return encodingOf(leaf, writeWholeLeafNode);
}

export function writeLeafNode(w: Writer, leaf: LeafNode): void {
  w.bytes(leafNodeBytes(leaf));
}

export function readLeafNode(r: Reader): LeafNode {
  const start = r.offset;
  const leaf: LeafNode = {
    encryptionKey: r.opaque(),
    signatureKey: r.opaque(),
    credential: readCredential(r),
    capabilities: readCapabilities(r),
    source: readSource(r),
    extensions: readExtensions(r),
    signature: r.opaque(),
  };
  return remember(leaf, r.since(start));
}

/**
 * The leaf, or a copy of it on bytes of its own where it is a view into something much larger: a tree of leaves that each came in a commit
 * would otherwise keep all those commits in memory.
 */
export function detached(leaf: LeafNode): LeafNode {
  const bytes = leafNodeBytes(leaf);
  if (bytes.buffer.byteLength <= 2 * bytes.length + 512) return leaf;
  return decodeWith(readLeafNode, bytes.slice());
}

/** LeafNodeTBS (RFC 9420 §7.2): group id and leaf index are part of it unless the leaf comes from a key package. */
export function writeLeafNodeTbs(
  w: Writer,
  leaf: UnsignedLeafNode,
  place: { readonly groupId: Uint8Array; readonly leafIndex: number } | undefined,
): void {
  writeUnsignedLeafNode(w, leaf);
  if (leaf.source.kind === "key-package") return;
  if (place === undefined)
    throw badValue("leaf_node_source", leaf.source.kind === "update" ? 2 : 3);
  w.opaque(place.groupId);
  w.u32(place.leafIndex);
}

export function writeParentNode(w: Writer, parent: ParentNode): void {
  w.opaque(parent.encryptionKey);
  w.opaque(parent.parentHash);
  w.vector(parent.unmergedLeaves, writeU32);
}

/** RFC 9420 §7.1: unmerged leaves ascend. */
export function readParentNode(r: Reader): ParentNode {
  const parent: ParentNode = {
    encryptionKey: r.opaque(),
    parentHash: r.opaque(),
    unmergedLeaves: r.vector(readU32, limits.leaves),
  };
  let previous = -1;
  for (const leafIndex of parent.unmergedLeaves) {
    if (leafIndex <= previous) throw badValue("unmerged_leaves", leafIndex);
    previous = leafIndex;
  }
  return parent;
}
