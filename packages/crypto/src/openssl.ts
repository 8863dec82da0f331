export { createOpensslProvider, loadOpensslProvider, opensslProvider } from "./openssl/provider.ts";
export type { OpensslOptions } from "./openssl/provider.ts";
