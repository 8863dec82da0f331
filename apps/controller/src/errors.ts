import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorOptions } from "@coterie/base";

/** What can go wrong in the controller. */
export type ControllerErrorCode =
  /** The command line or the configuration; the message says what to change. */
  | "controller/bad-arguments"
  /** An address is taken or not ours. */
  | "controller/cannot-listen"
  /** A node that nobody registered. */
  | "controller/unknown-node"
  /** The node has no control channel now. */
  | "controller/node-away"
  /** The node did not answer in time. */
  | "controller/no-answer"
  /** A request that cannot be right; the message says why. */
  | "controller/invalid-argument"
  /** A segment, a link of one, a channel or a participant that is not there. */
  | "controller/not-found"
  /** What the caller wants to add is there. */
  | "controller/exists"
  /** A name that fits several instances, or none that is known. */
  | "controller/ambiguous-name"
  /** An invitation, a removal or another step of a channel failed; the message says which. */
  | "controller/channel-failed"
  /** Too many show a domain's secret at once. */
  | "controller/busy"
  /** The controller stops. */
  | "controller/closed";

const dispositions: Readonly<Record<ControllerErrorCode, Disposition>> = {
  "controller/bad-arguments": "fix-caller",
  "controller/cannot-listen": "fix-caller",
  "controller/unknown-node": "fix-caller",
  "controller/node-away": "wait",
  "controller/no-answer": "retry",
  "controller/invalid-argument": "fix-caller",
  "controller/not-found": "fix-caller",
  "controller/exists": "reject",
  "controller/ambiguous-name": "fix-caller",
  "controller/channel-failed": "retry",
  "controller/busy": "wait",
  "controller/closed": "retry",
};

/** Everything the controller throws; `code` is one of {@link ControllerErrorCode}. */
export class ControllerError extends CoterieError {
  declare readonly code: ControllerErrorCode;

  constructor(code: ControllerErrorCode, options: Omit<ErrorOptions, "disposition"> = {}) {
    super(code, { ...options, disposition: dispositions[code] });
  }
}
