import { CoterieError } from "@coterie/base";
import type { ErrorOptions } from "@coterie/base";

/** Failures of the node. Codes are listed in the README. */
export class NodeError extends CoterieError {
  constructor(code: `node/${string}`, options: ErrorOptions) {
    super(code, options);
  }
}

/** A request that breaks a rule of the XMTP interface; stays wrong however often it is sent. */
export function invalid(rule: string, message: string, cause?: unknown): NodeError {
  return new NodeError("node/invalid-argument", {
    disposition: "fix-caller",
    details: { rule },
    message: `${message} (${rule})`,
    cause,
  });
}
