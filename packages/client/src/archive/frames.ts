import { CoterieError, concat } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { BackupElement } from "@coterie/wire";
import { ClientError } from "../errors.ts";
import { damaged, pieces, readZstd, storeZstd } from "./zstd.ts";

/** XHS-08: what an archive begins with. */
export const archiveVersion = 0;
export const archiveKeyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** The largest message a node takes, and something around it; lengths beyond are damage, not elements. */
const maxElementBytes = 32 * 1024 * 1024;
/** Elements that may be unreadable before an archive counts as damaged as a whole. */
const maxBad = 1_000;

export type ArchiveElement = Exclude<BackupElement, { readonly kind: "unset" }>;

const none = new Uint8Array(0);

function assertKey(key: Uint8Array): void {
  if (key.length === archiveKeyBytes) return;
  throw new ClientError("client/bad-argument", { rule: "XHS-08", keyBytes: key.length });
}

/** XHS-08: twelve bytes as one little-endian number, plus one, wrapping. */
export function nextNonce(nonce: Uint8Array): Uint8Array {
  const next = nonce.slice();
  for (let i = 0; i < next.length; i++) {
    const sum = (next[i] as number) + 1;
    next[i] = sum & 0xff;
    if (sum < 256) break;
  }
  return next;
}

/** XHS-08: the bytes of an archive, as they come. */
export async function* writeArchive(
  crypto: CryptoProvider,
  key: Uint8Array,
  nonce: Uint8Array,
  elements: AsyncIterable<BackupElement> | Iterable<BackupElement>,
): AsyncGenerator<Uint8Array> {
  assertKey(key);
  yield concat(Uint8Array.of(archiveVersion, 0), nonce);
  yield* storeZstd(sealed());

  async function* sealed(): AsyncGenerator<Uint8Array> {
    let at = nonce;
    for await (const element of elements) {
      const body = crypto.aeadSeal("aes256gcm", key, at, none, BackupElement.encode(element));
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, body.length, true);
      yield length;
      yield body;
      at = nextNonce(at);
    }
  }
}

export type ReadElement =
  | { readonly kind: "element"; readonly element: ArchiveElement }
  /** Could not be decrypted or decoded, or is of a kind of the future; those after it can be read. */
  | { readonly kind: "bad"; readonly index: number };

/**
 * XHS-08, XHS-10: the elements of an archive in their order, the first of them metadata. Throws `client/bad-archive` where the file
 * itself is damaged or the key is another one; single bad elements are passed over.
 */
export async function* readArchive(
  crypto: CryptoProvider,
  key: Uint8Array,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<ReadElement> {
  assertKey(key);
  const input = pieces(chunks);
  const head = await input.read(2 + nonceBytes);
  const version = (head[0] as number) | ((head[1] as number) << 8);
  if (version !== archiveVersion) {
    throw new ClientError("client/bad-archive", { rule: "XHS-08", reason: "version", version });
  }
  let nonce: Uint8Array = head.slice(2);
  let previous: Uint8Array | undefined;
  let bad = 0;
  const content = pieces(readZstd(rest(input)));
  for (let index = 0; !(await content.atEnd()); index++) {
    const prefix = await content.read(4);
    const length = new DataView(prefix.buffer, prefix.byteOffset, 4).getUint32(0, true);
    if (length < tagBytes || length > maxElementBytes) throw damaged("element length");
    const body = await content.read(length);
    const opened = open(body);
    const element = opened && decodeElement(opened);
    if (index === 0 && !opened) throw damaged("key");
    if (index === 0 && element?.kind !== "metadata") throw damaged("no metadata");
    if (element) yield { kind: "element", element };
    else if (++bad > maxBad) throw damaged("elements");
    else yield { kind: "bad", index };
  }
  if (previous === undefined) throw damaged("empty");

  function open(body: Uint8Array): Uint8Array | undefined {
    const plain = tryOpen(nonce, body);
    if (plain) {
      previous = nonce;
      nonce = nextNonce(nonce);
      return plain;
    }
    // Older writers used one nonce twice, and went on from there.
    const repeated = previous && tryOpen(previous, body);
    if (repeated) return repeated;
    previous = nonce;
    nonce = nextNonce(nonce);
    return undefined;
  }

  function tryOpen(at: Uint8Array, body: Uint8Array): Uint8Array | undefined {
    try {
      return crypto.aeadOpen("aes256gcm", key, at, none, body);
    } catch (error) {
      if (error instanceof CoterieError && error.code === "crypto/open-failed") return undefined;
      throw error;
    }
  }
}

function decodeElement(plain: Uint8Array): ArchiveElement | undefined {
  try {
    const element = BackupElement.decode(plain);
    return element.kind === "unset" ? undefined : element;
  } catch {
    return undefined;
  }
}

async function* rest(input: ReturnType<typeof pieces>): AsyncGenerator<Uint8Array> {
  while (!(await input.atEnd())) yield await input.some();
}
