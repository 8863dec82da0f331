import { unreachable } from "@coterie/base";
import type { Role } from "./roster.ts";

/** Base values of policies on members and metadata. "admin" includes super admins (XPM-02). */
export type MemberBase = "allow" | "deny" | "admin" | "super-admin";
/** Base values of policies on admins and permissions: the wire has no "allow" here. */
export type AdminBase = "deny" | "admin" | "super-admin";

/** A base value, or a list of conditions of which all (`and`) or at least one (`any`) must hold. Lists are never empty. */
export type Condition<Base extends MemberBase> =
  | Base
  | { readonly kind: "and" | "any"; readonly of: readonly Condition<Base>[] };

/** Who may add or remove members, or change one metadata field. */
export type MemberPolicy = Condition<MemberBase>;
/** Who may add or remove admins, or change permissions. */
export type AdminPolicy = Condition<AdminBase>;

/** Whether an actor of this role satisfies the condition (XPM-02). Non-members satisfy none; so does whatever is unknown. */
export function holds(condition: MemberPolicy, role: Role): boolean {
  if (role === "non-member") return false;
  if (typeof condition !== "string") {
    switch (condition.kind) {
      case "and":
        // Parsed sets hold no empty list; a hand-made one must not turn into "everybody".
        return condition.of.length > 0 && condition.of.every((part) => holds(part, role));
      case "any":
        return condition.of.some((part) => holds(part, role));
      default:
        return unknownCondition(condition.kind);
    }
  }
  switch (condition) {
    case "allow":
      return true;
    case "deny":
      return false;
    case "admin":
      return role === "admin" || role === "super-admin";
    case "super-admin":
      return role === "super-admin";
    default:
      return unknownCondition(condition);
  }
}

/** Equality of structure, as XCV-04 compares decoded sets: the order inside a list matters. */
export function sameCondition(a: MemberPolicy, b: MemberPolicy): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return (
    a.kind === b.kind &&
    a.of.length === b.of.length &&
    a.of.every((part, index) => sameCondition(part, b.of[index] as MemberPolicy))
  );
}

/** Who satisfies the condition, in words that complete "allowed for …". */
export function describeCondition(condition: MemberPolicy): string {
  if (typeof condition !== "string") {
    const parts = condition.of.map((part) =>
      typeof part === "string" ? describeCondition(part) : `(${describeCondition(part)})`,
    );
    return `${condition.kind === "and" ? "all of" : "any of"}: ${parts.join(", ")}`;
  }
  switch (condition) {
    case "allow":
      return "every member";
    case "deny":
      return "nobody";
    case "admin":
      return "admins and super admins";
    case "super-admin":
      return "super admins";
    default:
      return unreachable(condition);
  }
}

/** Deny by default: the type says this cannot be reached, input that skipped the parser may. */
function unknownCondition(_condition: never): false {
  return false;
}
