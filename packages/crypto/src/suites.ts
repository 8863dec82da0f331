import type { AeadName, DhName, HashName, SignatureName } from "./provider.ts";

/** What one MLS cipher suite (RFC 9420 section 17.1) is made of. */
export interface CipherSuite {
  readonly id: number;
  readonly name: string;
  readonly hash: HashName;
  /** Bytes of a hash, and of every secret of the key schedule (Nh). */
  readonly hashLength: number;
  readonly aead: AeadName;
  readonly keyLength: number;
  readonly nonceLength: 12;
  readonly dh: DhName;
  readonly kemId: number;
  readonly kdfId: number;
  readonly aeadId: number;
  readonly signature: SignatureName;
}

const sha256 = { hash: "sha256", hashLength: 32, kdfId: 1 } as const;
const sha384 = { hash: "sha384", hashLength: 48, kdfId: 2 } as const;
const sha512 = { hash: "sha512", hashLength: 64, kdfId: 3 } as const;
const aes128 = { aead: "aes128gcm", keyLength: 16, nonceLength: 12, aeadId: 1 } as const;
const aes256 = { aead: "aes256gcm", keyLength: 32, nonceLength: 12, aeadId: 2 } as const;
const chacha = { aead: "chacha20poly1305", keyLength: 32, nonceLength: 12, aeadId: 3 } as const;
const x25519 = { dh: "x25519", kemId: 0x20, signature: "ed25519" } as const;
const x448 = { dh: "x448", kemId: 0x21, signature: "ed448" } as const;
const p256 = { dh: "p256", kemId: 0x10, signature: "p256" } as const;
const p384 = { dh: "p384", kemId: 0x11, signature: "p384" } as const;
const p521 = { dh: "p521", kemId: 0x12, signature: "p521" } as const;

/** The seven suites of RFC 9420 by number. XMTP uses 3, SLIM uses 2 (MLS-01). */
export const cipherSuites: ReadonlyMap<number, CipherSuite> = new Map<number, CipherSuite>([
  [
    1,
    {
      id: 1,
      name: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
      ...sha256,
      ...aes128,
      ...x25519,
    },
  ],
  [2, { id: 2, name: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256", ...sha256, ...aes128, ...p256 }],
  [
    3,
    {
      id: 3,
      name: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
      ...sha256,
      ...chacha,
      ...x25519,
    },
  ],
  [4, { id: 4, name: "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448", ...sha512, ...aes256, ...x448 }],
  [5, { id: 5, name: "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", ...sha512, ...aes256, ...p521 }],
  [
    6,
    {
      id: 6,
      name: "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",
      ...sha512,
      ...chacha,
      ...x448,
    },
  ],
  [7, { id: 7, name: "MLS_256_DHKEMP384_AES256GCM_SHA384_P384", ...sha384, ...aes256, ...p384 }],
]);
