import { noble25519Engine } from "./noble/engine-25519.ts";
import type { CryptoProvider } from "./provider.ts";
import { strictProvider } from "./strict/provider.ts";

/**
 * What noble has for the MLS cipher suites 0x0001 and 0x0003, in half of the bytes: X25519, Ed25519, SHA-2, AES-GCM and ChaCha20-Poly1305. Gives the
 * answers of `nobleProvider`; for other algorithms it throws `crypto/unsupported`.
 */
export const noble25519Provider: CryptoProvider = strictProvider(noble25519Engine);
