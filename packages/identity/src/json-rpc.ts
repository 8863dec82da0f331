export { createJsonRpcVerifier } from "./evm/verifier.ts";
export type { JsonRpcVerifierOptions } from "./evm/verifier.ts";
export type { RpcFetch } from "./evm/json-rpc.ts";
