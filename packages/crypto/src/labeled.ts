import { concat, toUtf8 } from "@coterie/base";
import { CryptoError } from "./errors.ts";
import { labels } from "./labels.ts";
import type { CryptoProvider, HashName } from "./provider.ts";

export type HpkeLabel = keyof typeof labels.hpke;

/** A hash and the bytes that stand before each label: the version of HPKE, the suite, and the label, put together once. */
export interface Labeled {
  readonly hash: HashName;
  readonly prefixes: Readonly<Record<HpkeLabel, Uint8Array>>;
}

/** The labeled functions of RFC 9180 section 4 for one suite. */
export function labeled(hash: HashName, suiteId: Uint8Array): Labeled {
  const head = concat(toUtf8(labels.hpkeVersion), suiteId);
  const prefixes = Object.fromEntries(
    Object.entries(labels.hpke).map(([name, label]) => [name, concat(head, toUtf8(label))]),
  ) as Record<HpkeLabel, Uint8Array>;
  return { hash, prefixes };
}

/** LabeledExtract of RFC 9180 section 4. */
export function labeledExtract(
  crypto: CryptoProvider,
  { hash, prefixes }: Labeled,
  salt: Uint8Array,
  label: HpkeLabel,
  ...ikm: readonly Uint8Array[]
): Uint8Array {
  const input = concat(prefixes[label], ...ikm);
  const prk = crypto.hkdfExtract(hash, salt, input);
  // An info is no secret, and may be megabytes.
  if (label !== "infoHash") input.fill(0);
  return prk;
}

/** LabeledExpand of RFC 9180 section 4. */
export function labeledExpand(
  crypto: CryptoProvider,
  { hash, prefixes }: Labeled,
  prk: Uint8Array,
  label: HpkeLabel,
  info: Uint8Array,
  length: number,
): Uint8Array {
  if (!Number.isSafeInteger(length) || length < 0 || length > 0xffff) {
    throw new CryptoError("crypto/bad-length", { what: "hpke output", length });
  }
  const size = Uint8Array.of(length >> 8, length & 255);
  return crypto.hkdfExpand(hash, prk, concat(size, prefixes[label], info), length);
}
