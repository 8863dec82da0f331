import type { KeyPair } from "@coterie/crypto";

/** What a SLIM app shows of itself: a token in every message, and signatures by the key that the token names. */
export interface SlimIdentity {
  /** `<base id>_<8 characters>`; its hash is the app's id (SNM-04). */
  readonly tokenId: string;
  /** P-256, the public half in 65 bytes (SSG-06): the key that tokens name, which signs commands and everything of MLS (SML-02). */
  readonly keys: KeyPair;
  /** A valid token now; the same one for a while (SID-04). */
  token(): string;
  /**
   * Where tokens come from elsewhere: when there is nothing to wait for, undefined; else a promise that `token` has a valid one, which rejects
   * with `identity/no-token`. Awaited before an app is made; after that such an identity renews its token by itself whenever it is used.
   */
  prepare?(): Promise<void> | undefined;
}

/** Who a token speaks for. */
export interface VerifiedToken {
  readonly tokenId: string;
  /** The token id without its last `_xxxxxxxx`: what policies and rosters go by (SID-08). */
  readonly baseId: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  /** 65 or 33 bytes of P-256, or 32 of Ed25519; absent where the token names none (SID-05). */
  readonly publicKey: Uint8Array | undefined;
}

/** Whose tokens to believe. */
export interface SlimVerifier {
  /**
   * Where a token takes work that cannot be done at once (keys to fetch, a lookup): awaited before a message is given to the core, or undefined
   * when there is nothing to wait for. It never rejects; `verify` then tells what is wrong.
   */
  prepare?(token: string): Promise<void> | undefined;
  /** Throws `identity/bad-token`; `details.reason` says what is wrong and nothing of the token. */
  verify(token: string): VerifiedToken;
}
