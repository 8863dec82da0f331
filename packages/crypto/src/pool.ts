export { openPool } from "./pool/pool.ts";
export type { Pool, PoolOptions } from "./pool/pool.ts";
