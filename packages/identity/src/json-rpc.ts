export { createJsonRpcVerifier } from "./evm/verifier.ts";
export type { FetchAnswer } from "./fetch-port.ts";
export type { JsonRpcVerifierOptions } from "./evm/verifier.ts";
export type { RpcFetch } from "./evm/json-rpc.ts";
