import { concat, fromHex, toUtf8 } from "@coterie/base";
import {
  cipherSuites,
  encLength,
  hpkeSeal,
  labels,
  setupRecipient,
  setupSender,
  xWingHpkeSuite,
} from "@coterie/crypto";

import type { CryptoProvider, HpkeSuite } from "@coterie/crypto";
import { WelcomeMetadata, WelcomePointer } from "@coterie/wire";
import type { WelcomeMessageInput } from "@coterie/wire";
import { ClientError } from "../errors.ts";
import type { Recipient } from "./state.ts";
import { encodeVl, readVl } from "./vl.ts";

/** Wrapper algorithms by their wire numbers (§2.4). */
export const wrapper = { curve25519: 1, xWing: 2, symmetric: 3 } as const;
export const pointeeAead = { chacha20Poly1305: 3 } as const;

const none = new Uint8Array(0);
/** XWL-02: the label of MLS without content. */
const info = concat(encodeVl(toUtf8(`${labels.mlsPrefix}${labels.xmtpWelcome}`)), encodeVl(none));

/** XKP-13: unknown numbers are read as 1. */
function suiteOf(algorithm: number): HpkeSuite {
  if (algorithm === wrapper.xWing) return xWingHpkeSuite;
  return cipherSuites.get(3) as HpkeSuite;
}

/** XWL-05: what goes with a welcome, in its own seal. */
function encodeWelcomeMetadata(messageCursor: bigint): Uint8Array {
  return WelcomeMetadata.encode({ messageCursor });
}

/** XWL-03, XWL-04: one welcome wrapped for one installation; two seals under one encapsulation (trap 4). */
function wrapWelcome(
  crypto: CryptoProvider,
  recipient: Recipient,
  welcome: Uint8Array,
  metadata: Uint8Array,
): WelcomeMessageInput {
  const sender = setupSender({
    crypto,
    suite: suiteOf(recipient.wrapperAlgorithm),
    publicKey: recipient.wrapperKey,
    info,
  });
  const data = concat(encodeVl(sender.enc), encodeVl(sender.seal(none, welcome)));
  return {
    kind: "v1",
    value: {
      installationKey: fromHex(recipient.installationId),
      data,
      hpkePublicKey: recipient.wrapperKey,
      wrapperAlgorithm:
        recipient.wrapperAlgorithm === wrapper.xWing ? wrapper.xWing : wrapper.curve25519,
      welcomeMetadata: sender.seal(none, metadata),
    },
  };
}

/** XWL-08, XWL-09: one welcome stored once, and a short pointer to it for each installation that reads pointers. */
function wrapWithPointers(
  crypto: CryptoProvider,
  capable: readonly Recipient[],
  welcome: Uint8Array,
  metadata: Uint8Array,
): WelcomeMessageInput[] {
  const destination = crypto.bytes(32);
  const key = crypto.bytes(32);
  const dataNonce = crypto.bytes(12);
  const metadataNonce = crypto.bytes(12);
  const seal = (nonce: Uint8Array, plaintext: Uint8Array): Uint8Array =>
    crypto.aeadSeal("chacha20poly1305", key, nonce, none, plaintext);
  const pointee: WelcomeMessageInput = {
    kind: "v1",
    value: {
      installationKey: destination,
      data: seal(dataNonce, welcome),
      hpkePublicKey: none,
      wrapperAlgorithm: wrapper.symmetric,
      welcomeMetadata: seal(metadataNonce, metadata),
    },
  };
  const pointer = WelcomePointer.encode({
    kind: "welcomeV1Pointer",
    value: {
      destination,
      aeadType: pointeeAead.chacha20Poly1305,
      encryptionKey: key,
      dataNonce,
      welcomeMetadataNonce: metadataNonce,
    },
  });
  return [
    pointee,
    ...capable.map((recipient): WelcomeMessageInput => {
      const sealed = hpkeSeal({
        crypto,
        suite: xWingHpkeSuite,
        publicKey: recipient.wrapperKey,
        info,
        aad: none,
        plaintext: pointer,
      });
      return {
        kind: "welcomePointer",
        value: {
          installationKey: fromHex(recipient.installationId),
          welcomePointer: concat(encodeVl(sealed.enc), encodeVl(sealed.ciphertext)),
          hpkePublicKey: recipient.wrapperKey,
          wrapperAlgorithm: wrapper.xWing,
        },
      };
    }),
  ];
}

/** The welcomes of one commit, the shared one first. Pointers from the third capable installation on (XWL-08). */
export function wrapWelcomes(
  crypto: CryptoProvider,
  recipients: readonly Recipient[],
  welcome: Uint8Array,
  messageCursor: bigint,
): WelcomeMessageInput[] {
  const metadata = encodeWelcomeMetadata(messageCursor);
  const isCapable = (recipient: Recipient): boolean =>
    recipient.pointerCapable && recipient.wrapperAlgorithm === wrapper.xWing;
  const capable = recipients.filter(isCapable);
  if (capable.length <= 2) {
    return recipients.map((recipient) => wrapWelcome(crypto, recipient, welcome, metadata));
  }
  const others = recipients.filter((recipient) => !isCapable(recipient));
  announceSeals(crypto, [...capable, ...others]);
  return [
    ...wrapWithPointers(crypto, capable, welcome, metadata),
    ...others.map((recipient) => wrapWelcome(crypto, recipient, welcome, metadata)),
  ];
}

/** Either wrapper ends in an X25519 key, which an ephemeral one is made for. */
function announceSeals(crypto: CryptoProvider, recipients: readonly Recipient[]): void {
  const keys = recipients.map(({ wrapperKey }) => wrapperKey.subarray(-32));
  crypto.ahead?.dhEphemeral("x25519", keys);
}

/** XWL-10: how many welcomes go into one request. */
export function welcomeChunkSize(first: WelcomeMessageInput | undefined, budget: number): number {
  if (first?.kind !== "v1") return 50;
  const size = first.value.data.length + first.value.welcomeMetadata.length + 200;
  return Math.max(1, Math.min(50, Math.floor(budget / size)));
}

export interface OpenedWelcome {
  /** MLSMessage with a Welcome. */
  readonly welcome: Uint8Array;
  /** XWL-05: 0 where there is none or it cannot be read. */
  readonly messageCursor: bigint;
}

export interface WrapperKeys {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

function bad(rule: string, cause?: unknown): ClientError {
  return new ClientError("client/bad-welcome", { rule }, { cause });
}

function readMetadata(open: () => Uint8Array): bigint {
  try {
    return WelcomeMetadata.decode(open()).messageCursor;
  } catch {
    return 0n;
  }
}

interface Wrapped {
  readonly data: Uint8Array;
  readonly algorithm: number;
  readonly keys: WrapperKeys;
}

function openFirst(
  crypto: CryptoProvider,
  { data, algorithm, keys }: Wrapped,
): { readonly plaintext: Uint8Array; readonly next: (sealed: Uint8Array) => Uint8Array } {
  const suite = suiteOf(algorithm);
  const enc = readVl(data);
  const sealed = enc && readVl(data, enc.end);
  if (!enc || !sealed || sealed.end !== data.length || enc.data.length !== encLength(suite)) {
    throw bad("XWL-04");
  }
  try {
    const recipient = setupRecipient({ crypto, suite, enc: enc.data, ...keys, info });
    const plaintext = recipient.open(none, sealed.data);
    return { plaintext, next: (ciphertext) => recipient.open(none, ciphertext) };
  } catch (cause) {
    throw bad("XWL-03", cause);
  }
}

/** Opens a V1 welcome (XWL-03, XWL-04). Throws `client/bad-welcome`. */
export function unwrapWelcome(
  crypto: CryptoProvider,
  wrapped: Wrapped & { readonly metadata: Uint8Array },
): OpenedWelcome {
  const { plaintext, next } = openFirst(crypto, wrapped);
  const messageCursor =
    wrapped.metadata.length === 0 ? 0n : readMetadata(() => next(wrapped.metadata));
  return { welcome: plaintext, messageCursor };
}

/** Where a pointer leads, and how to open what lies there (XWL-11). */
export interface Pointer {
  readonly destination: Uint8Array;
  readonly key: Uint8Array;
  readonly dataNonce: Uint8Array;
  readonly metadataNonce: Uint8Array;
}

/** Opens a welcome pointer. Throws `client/bad-welcome`. */
export function unwrapPointer(crypto: CryptoProvider, wrapped: Wrapped): Pointer {
  const { plaintext } = openFirst(crypto, wrapped);
  try {
    const pointer = WelcomePointer.decode(plaintext);
    if (
      pointer.kind === "welcomeV1Pointer" &&
      pointer.value.aeadType === pointeeAead.chacha20Poly1305 &&
      pointer.value.encryptionKey.length === 32 &&
      pointer.value.dataNonce.length === 12 &&
      pointer.value.welcomeMetadataNonce.length === 12 &&
      pointer.value.destination.length > 0
    ) {
      const { destination, encryptionKey, dataNonce, welcomeMetadataNonce } = pointer.value;
      return { destination, key: encryptionKey, dataNonce, metadataNonce: welcomeMetadataNonce };
    }
  } catch (cause) {
    throw bad("XWL-11", cause);
  }
  throw bad("XWL-11");
}

/** Opens the shared welcome that a pointer names (XWL-08). Throws `client/bad-welcome`. */
export function unwrapPointee(
  crypto: CryptoProvider,
  pointer: Pointer,
  data: Uint8Array,
  metadata: Uint8Array,
): OpenedWelcome {
  const open = (nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
    crypto.aeadOpen("chacha20poly1305", pointer.key, nonce, none, ciphertext);
  let welcome: Uint8Array;
  try {
    welcome = open(pointer.dataNonce, data);
  } catch (cause) {
    throw bad("XWL-08", cause);
  }
  const messageCursor =
    metadata.length === 0 ? 0n : readMetadata(() => open(pointer.metadataNonce, metadata));
  return { welcome, messageCursor };
}
