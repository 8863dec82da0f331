export { openPool } from "./pool/pool.ts";
export type { Pool, PoolOptions, PoolState } from "./pool/pool.ts";
