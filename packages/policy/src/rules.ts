import type { InboxId } from "@coterie/base";

/**
 * The rules that can deny. `group`: every member enforces it on every commit, so a commit against it is lost. `local`: asked of
 * ourselves before sending, because the action could not work or would surprise; members judge it elsewhere or not at all.
 */
export const RULES: Readonly<
  Record<RuleId, { readonly scope: "group" | "local"; readonly title: string }>
> = {
  "XCV-06": { scope: "group", title: "only members act in a group" },
  "XPM-02": { scope: "group", title: "the group's policies decide" },
  "XPM-04": {
    scope: "group",
    title: "metadata without a policy is for admins, keys with _ for super admins",
  },
  "XPM-05": {
    scope: "group",
    title: "super admins alone change their list, and it never becomes empty",
  },
  "XPM-06": { scope: "group", title: "permissions are changed by super admins" },
  "XPM-07": { scope: "group", title: "a super admin is not removed; demote first" },
  "XCV-15": { scope: "local", title: "nobody removes themselves; leaving is its own request" },
  "XDM-06": { scope: "local", title: "a DM keeps its members, has no admins and no public fields" },
  "XPM-14": { scope: "local", title: "the permissions of a DM are fixed" },
  "XGC-45": { scope: "local", title: "installations are added again by super admins" },
  "XLV-01": { scope: "local", title: "who may leave" },
  "OWN-01": { scope: "local", title: "only members are made admins" },
  "OWN-02": { scope: "local", title: "an action that is not known is denied" },
};

/** The number of a rule: of the specification, or OWN where this package is stricter with its own user. */
export type RuleId =
  | "XCV-06"
  | "XPM-02"
  | "XPM-04"
  | "XPM-05"
  | "XPM-06"
  | "XPM-07"
  | "XCV-15"
  | "XDM-06"
  | "XPM-14"
  | "XGC-45"
  | "XLV-01"
  | "OWN-01"
  | "OWN-02";

/** One reason against. Callers branch on `rule`; `text` is for people and may change. */
export interface Reason {
  readonly rule: RuleId;
  readonly scope: "group" | "local";
  readonly text: string;
  /** The inbox that stands in the way, where it is one. */
  readonly subject?: InboxId | undefined;
  /** The metadata key that was asked for. */
  readonly field?: string | undefined;
}

/** A verdict, with every reason that speaks against. */
export type Decision =
  | { readonly kind: "allowed" }
  | { readonly kind: "denied"; readonly reasons: readonly [Reason, ...Reason[]] };

/** Builds one reason; its scope follows from the rule. */
export function reason(
  rule: RuleId,
  text: string,
  about: { readonly subject?: InboxId; readonly field?: string } = {},
): Reason {
  return { rule, scope: RULES[rule].scope, text, ...about };
}

/** No reason against means allowed. */
export function verdict(reasons: readonly Reason[]): Decision {
  const [first, ...rest] = reasons;
  return first === undefined ? { kind: "allowed" } : { kind: "denied", reasons: [first, ...rest] };
}
