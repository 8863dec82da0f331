import { CoterieError, type Disposition, type ErrorDetails } from "@coterie/base";

/** What can go wrong with links and with the connections of apps. */
export type DataPlaneErrorCode =
  /** What the peer said while negotiating the link cannot be: the connection ends (SCN-21). */
  | "dataplane/bad-negotiation"
  /** The connection ended, or was closed by its owner. */
  | "dataplane/closed"
  /** The peer did not answer in time: neither the negotiation (SCN-21) nor a subscription (SCN-32). */
  | "dataplane/timeout"
  /** The node said no to a subscription; `details.reason` has its words (SCN-33). */
  | "dataplane/subscription-refused"
  /** The peer took nothing for so long that what waits for it is full (SCN-05). */
  | "dataplane/stalled"
  /** Nobody here leads to that name (SRT-05); `details` say of which session and message. Only publishers in the node's process hear of it. */
  | "dataplane/no-route"
  /** A message longer than released peers decode (SCN-03); nothing was sent. */
  | "dataplane/too-large"
  /** A name, an address or a link that cannot be. */
  | "dataplane/bad-argument";

const dispositions: Readonly<Record<DataPlaneErrorCode, Disposition>> = {
  "dataplane/bad-negotiation": "reject",
  "dataplane/closed": "halt",
  "dataplane/timeout": "retry",
  "dataplane/subscription-refused": "reject",
  "dataplane/stalled": "retry",
  "dataplane/no-route": "retry",
  "dataplane/too-large": "fix-caller",
  "dataplane/bad-argument": "fix-caller",
};

/** Everything this package throws besides the transport's own; `code` is one of {@link DataPlaneErrorCode}. */
export class DataPlaneError extends CoterieError {
  declare readonly code: DataPlaneErrorCode;

  constructor(code: DataPlaneErrorCode, details?: ErrorDetails, cause?: unknown) {
    super(code, { disposition: dispositions[code], details, cause });
  }
}
