import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorDetails } from "@coterie/base";

export type MlsErrorCode = `mls/${string}`;

/** Everything this package throws. `reject` unless said otherwise: what came in is bad and will stay bad. */
export class MlsError extends CoterieError {
  constructor(
    code: MlsErrorCode,
    details?: ErrorDetails,
    options: { readonly disposition?: Disposition; readonly cause?: unknown } = {},
  ) {
    super(code, { disposition: options.disposition ?? "reject", details, cause: options.cause });
  }
}
