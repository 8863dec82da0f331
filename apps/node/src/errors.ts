import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorOptions } from "@coterie/base";

/** What can go wrong in the node. */
export type NodeErrorCode =
  /** The command line; the message says what to change. */
  | "node/bad-arguments"
  /** The configuration file; `details.path` is the key, the message what should stand there. */
  | "node/bad-config"
  /** The data folder cannot be made or used. */
  | "node/bad-data-folder"
  /** Another process holds the data folder. */
  | "node/data-in-use"
  /** A later version wrote the database. */
  | "node/newer-data"
  /** An address is taken or not ours. */
  | "node/cannot-listen"
  /** A request breaks a rule of the interface; `details.rule` names it. */
  | "node/invalid-argument"
  /** The inbox has as many updates as an inbox may have (XND-24). */
  | "node/inbox-log-full"
  /** The inbox changed too often while an update was judged. */
  | "node/conflict"
  /** A part of a request, or the answer to it, is larger than the node allows; `details.what` names it. */
  | "node/too-large"
  /** The address has used up what it may call; `details.retryAfterMs` says when it may again (XND-42). */
  | "node/rate-limited"
  /** A subscriber's queue ran over (XND-39). */
  | "node/slow-reader"
  /** The node or its log is closed. */
  | "node/closed"
  /** No room on the disk; nothing of the write was kept. */
  | "node/storage-full"
  | "node/storage-busy"
  | "node/storage-corrupt"
  | "node/storage-failed";

const dispositions: Readonly<Record<NodeErrorCode, Disposition>> = {
  "node/bad-arguments": "fix-caller",
  "node/bad-config": "fix-caller",
  "node/bad-data-folder": "fix-caller",
  "node/data-in-use": "wait",
  "node/newer-data": "halt",
  "node/cannot-listen": "fix-caller",
  "node/invalid-argument": "fix-caller",
  "node/inbox-log-full": "reject",
  "node/conflict": "retry",
  "node/too-large": "fix-caller",
  "node/rate-limited": "wait",
  "node/slow-reader": "retry",
  "node/closed": "retry",
  "node/storage-full": "wait",
  "node/storage-busy": "retry",
  "node/storage-corrupt": "halt",
  "node/storage-failed": "retry",
};

/** Everything the node throws; `code` is one of {@link NodeErrorCode}. */
export class NodeError extends CoterieError {
  declare readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, options: Omit<ErrorOptions, "disposition"> = {}) {
    super(code, { ...options, disposition: dispositions[code] });
  }
}

/** A request that breaks a rule of the XMTP interface; stays wrong however often it is sent. */
export function invalid(rule: string, message: string, cause?: unknown): NodeError {
  return new NodeError("node/invalid-argument", {
    details: { rule },
    message: `${message} (${rule})`,
    cause,
  });
}

/** More of something than the node's limits give. */
export function tooLarge(what: string, limit: number, asked: number): NodeError {
  return new NodeError("node/too-large", { details: { what, limit, asked } });
}
