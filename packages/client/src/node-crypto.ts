import type { CryptoProvider } from "@coterie/crypto";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { openPool } from "@coterie/crypto/pool";
import type { Pool } from "@coterie/crypto/pool";

let pool: Promise<Pool> | undefined;

/**
 * OpenSSL, with libsecp256k1 for wallets, and with `threads` that help where much comes at once. There is one crew for the process, as large as
 * whoever asks first wants it; it does not keep the process alive.
 */
export async function nodeCrypto(threads: number = 0): Promise<CryptoProvider> {
  const crypto = await loadOpensslProvider();
  if (threads <= 0) return crypto;
  pool ??= openPool({ crypto, workers: threads });
  return (await pool).crypto;
}
