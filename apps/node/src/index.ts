export { createNode } from "./node.ts";
export type { CoterieNode, NodeParts } from "./node.ts";
export { startNode } from "./server.ts";
export { startFromFile } from "./from-file.ts";
export type { RunningFile } from "./from-file.ts";
export type { NodeOptions, RunningNode } from "./server.ts";
export type { SlimPlaneSettings } from "./yaml/node-file.ts";
export type { Address } from "./config.ts";
export { NodeError } from "./errors.ts";
export { defaultLimits } from "./limits.ts";
export type { NodeLimits } from "./limits.ts";
export { defaultRateLimits } from "./rate-limits.ts";
export type { Bucket, RateLimits } from "./rate-limits.ts";
export type { Retention } from "./prune.ts";
export { openMemoryLog } from "./log/memory.ts";
export { openSqliteLog } from "./log/sqlite.ts";
export type { SqliteLog, SqliteLogOptions } from "./log/sqlite.ts";
export type {
  Appended,
  CommitLogEntry,
  GroupMessage,
  Identifier,
  IdentifierKind,
  IdentityAppend,
  IdentityLogEntry,
  NewCommitLogEntry,
  NewGroupMessage,
  NewIdentityUpdate,
  NewWelcome,
  NodeLog,
  Page,
  PageQuery,
  Pruned,
  PruneLimits,
  Watcher,
  Welcome,
} from "./log/log.ts";
export { createMetrics } from "./metrics.ts";
export type { Metrics } from "./metrics.ts";
