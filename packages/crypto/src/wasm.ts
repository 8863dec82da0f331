import { nobleEdwards, nobleEngine } from "./noble/engine.ts";
import { nobleProvider } from "./noble.ts";
import type { CryptoProvider } from "./provider.ts";
import { strictProvider } from "./strict/provider.ts";
import { createEdwardsEquation } from "./wasm/edwards25519.ts";
import { loadSecp256k1 } from "./wasm/secp256k1.ts";

let loading: Promise<CryptoProvider> | undefined;

/**
 * The provider for browsers: noble, with WebAssembly for what takes longest there, the verification of Ed25519 and of wallets' signatures.
 * Where the platform forbids WebAssembly, those parts are noble's. One for the process. Never rejects.
 */
export function loadWasmProvider(): Promise<CryptoProvider> {
  loading ??= load();
  return loading;
}

async function load(): Promise<CryptoProvider> {
  const equation = createEdwardsEquation();
  const secp256k1 = await loadSecp256k1();
  if (equation === undefined && secp256k1 === undefined) return nobleProvider;
  return strictProvider({
    ...nobleEngine,
    name: "wasm",
    ...(equation && nobleEdwards(equation)),
    ...secp256k1,
  });
}
