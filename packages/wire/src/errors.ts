import { CoterieError, type Disposition, type ErrorDetails } from "@coterie/base";

/** What can go wrong with bytes and names of the wire. */
export type WireErrorCode =
  /** The bytes are not a message of this type. */
  | "wire/malformed"
  /** More bytes than the limit allows; nothing was decoded. */
  | "wire/too-large"
  /** A field that the specification demands is absent. */
  | "wire/missing-field"
  /** A value given to `encode` that its field cannot carry. */
  | "wire/bad-value"
  /** Text that is not a topic. */
  | "wire/bad-topic"
  /** Text or fields that are not a name of SLIM; `details.reason` says what is wrong with them. */
  | "wire/bad-name";

const dispositions: Readonly<Record<WireErrorCode, Disposition>> = {
  "wire/malformed": "reject",
  "wire/too-large": "reject",
  "wire/missing-field": "reject",
  "wire/bad-value": "fix-caller",
  "wire/bad-topic": "reject",
  "wire/bad-name": "reject",
};

/** Everything this package throws; `code` is one of {@link WireErrorCode}. */
export class WireError extends CoterieError {
  declare readonly code: WireErrorCode;

  constructor(code: WireErrorCode, details?: ErrorDetails, cause?: unknown) {
    super(code, { disposition: dispositions[code], details, cause });
  }
}
