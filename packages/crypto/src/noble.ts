import { nobleEngine } from "./noble/engine.ts";
import type { CryptoProvider } from "./provider.ts";
import { strictProvider } from "./strict/provider.ts";

/** The provider for every platform: audited JavaScript, no native code. */
export const nobleProvider: CryptoProvider = strictProvider(nobleEngine);
