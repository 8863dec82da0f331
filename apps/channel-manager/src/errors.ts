import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorOptions } from "@coterie/base";

/** What a channel manager refuses, and what fails for it. */
export type ChannelManagerErrorCode =
  /** A channel of this name is there already. */
  | "channel-manager/channel-exists"
  /** No channel of this name. */
  | "channel-manager/no-channel"
  /** The participant is in the channel already. */
  | "channel-manager/participant-exists"
  /** Nobody of this name is in the channel, or a number fits several. */
  | "channel-manager/no-participant"
  /** The session of a channel could not be made; the cause says why. */
  | "channel-manager/create-failed"
  /** The name cannot be reached from here; the cause says why. */
  | "channel-manager/no-route"
  /** The invitation did not come to its end; the cause says why. */
  | "channel-manager/invite-failed"
  /** The removal did not come to its end; the cause says why. */
  | "channel-manager/remove-failed"
  /** The manager is closed. */
  | "channel-manager/closed"
  /** What the file says cannot be done on this machine; the message says what. */
  | "channel-manager/bad-setup";

const dispositions: Readonly<Record<ChannelManagerErrorCode, Disposition>> = {
  "channel-manager/channel-exists": "fix-caller",
  "channel-manager/no-channel": "fix-caller",
  "channel-manager/participant-exists": "fix-caller",
  "channel-manager/no-participant": "fix-caller",
  "channel-manager/create-failed": "retry",
  "channel-manager/no-route": "retry",
  "channel-manager/invite-failed": "retry",
  "channel-manager/remove-failed": "retry",
  "channel-manager/closed": "retry",
  "channel-manager/bad-setup": "fix-caller",
};

export class ChannelManagerError extends CoterieError {
  declare readonly code: ChannelManagerErrorCode;

  constructor(code: ChannelManagerErrorCode, options: Omit<ErrorOptions, "disposition"> = {}) {
    super(code, { ...options, disposition: dispositions[code] });
  }
}
