import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorDetails } from "@coterie/base";

/** What can be wrong with a policy that somebody hands in. A "no" to an action is a `Decision`, never an error. */
export type PolicyErrorCode =
  /** Not of the expected shape at all. */
  | "policy/malformed"
  /** A policy that every set must have is absent (XPM-03). */
  | "policy/missing"
  /** A value, kind or option outside the tables, wire value 0 included (XPM-02, XPM-13). */
  | "policy/unknown-value"
  /** "Unspecified" was given as an option (section 13). */
  | "policy/unspecified"
  /** A condition over nothing (XPM-02). */
  | "policy/empty-condition"
  /** Conditions nested deeper than `POLICY_LIMITS.depth`. */
  | "policy/too-deep"
  /** More conditions than `POLICY_LIMITS.conditions` in one set. */
  | "policy/too-many"
  /** "Allow" for adding or removing admins, which the wire cannot say (XPM-13). */
  | "policy/allow-refused";

/** A policy set or option that cannot be used. `details.at` says where in the input, `details.rule` by which rule. */
export class PolicyError extends CoterieError {
  declare readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, details: ErrorDetails, disposition: Disposition = "reject") {
    super(code, { disposition, details });
  }
}
