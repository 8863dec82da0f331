import type { AdminBase, AdminPolicy, Condition, MemberBase, MemberPolicy } from "./condition.ts";
import { PolicyError } from "./errors.ts";
import type { PolicySet } from "./policy.ts";

/**
 * Bounds on one policy set. They are not on the wire: other members read what their decoders can nest, so `depth` follows a
 * decoder that stops at 100 nested messages, and `conditions` lies above what an envelope of the largest size can carry in practice.
 */
export const POLICY_LIMITS: { readonly depth: number; readonly conditions: number } = {
  depth: 48,
  conditions: 65_536,
};

/** One node of the input, told apart but with its parts still unread. */
export type Node =
  | { readonly kind: "base"; readonly value: unknown }
  | { readonly kind: "and" | "any"; readonly of: unknown };

/** How a policy set is spelled: this package's own shape or that of the decoded protobuf message. */
export interface Spelling {
  readonly names: Readonly<Record<keyof PolicySet, string>>;
  /** Undefined where the node has no readable kind. */
  readonly classify: (input: unknown) => Node | undefined;
  readonly memberBase: (value: unknown) => MemberBase | undefined;
  readonly adminBase: (value: unknown) => AdminBase | undefined;
}

const memberBases: ReadonlySet<unknown> = new Set(["allow", "deny", "admin", "super-admin"]);

const own: Spelling = {
  names: {
    addMember: "addMember",
    removeMember: "removeMember",
    metadata: "metadata",
    addAdmin: "addAdmin",
    removeAdmin: "removeAdmin",
    updatePermissions: "updatePermissions",
  },
  classify(input) {
    if (typeof input === "string") return { kind: "base", value: input };
    if (!isObject(input)) return undefined;
    const kind = input["kind"];
    return kind === "and" || kind === "any" ? { kind, of: input["of"] } : undefined;
  },
  memberBase: (value) => (memberBases.has(value) ? (value as MemberBase) : undefined),
  adminBase: (value) =>
    value !== "allow" && memberBases.has(value) ? (value as AdminBase) : undefined,
};

/**
 * Reads a policy set out of anything, JSON for instance: `{ addMember, removeMember, metadata, addAdmin, removeAdmin,
 * updatePermissions }`, where `metadata` is a Map or an object. Throws {@link PolicyError} and nothing else (XPM-02, XPM-03).
 */
export function parsePolicySet(input: unknown): PolicySet {
  return readPolicySet(input, own);
}

/** Reads a policy set in either spelling. All lists and nesting are counted before they are walked. */
export function readPolicySet(input: unknown, spelling: Spelling): PolicySet {
  if (!isObject(input)) throw new PolicyError("policy/malformed", { at: "", found: typeof input });
  const budget = { left: POLICY_LIMITS.conditions };
  const walk = <Base extends MemberBase>(
    base: (value: unknown) => Base | undefined,
  ): Walk<Base> => ({
    spelling,
    base,
    budget,
  });
  const members = walk(spelling.memberBase);
  const admins = walk(spelling.adminBase);
  const { names } = spelling;

  const single = <Base extends MemberBase>(name: string, how: Walk<Base>): Condition<Base> => {
    const value = input[name];
    // XPM-03: all five singular policies are there.
    if (value === undefined || value === null) {
      throw new PolicyError("policy/missing", { at: name, rule: "XPM-03" });
    }
    return readCondition(value, how, name, 0);
  };

  return {
    addMember: single(names.addMember, members) satisfies MemberPolicy,
    removeMember: single(names.removeMember, members),
    metadata: readMetadata(input[names.metadata], members, names.metadata),
    addAdmin: single(names.addAdmin, admins) satisfies AdminPolicy,
    removeAdmin: single(names.removeAdmin, admins),
    updatePermissions: single(names.updatePermissions, admins),
  };
}

interface Walk<Base extends MemberBase> {
  readonly spelling: Spelling;
  readonly base: (value: unknown) => Base | undefined;
  /** Shared by the whole set. */
  readonly budget: { left: number };
}

function readMetadata(
  input: unknown,
  walk: Walk<MemberBase>,
  at: string,
): ReadonlyMap<string, MemberPolicy> {
  if (input === undefined || input === null) return new Map();
  if (!isObject(input)) throw new PolicyError("policy/malformed", { at, found: typeof input });
  const entries: Iterable<[unknown, unknown]> =
    input instanceof Map ? input.entries() : Object.entries(input);
  const out = new Map<string, MemberPolicy>();
  for (const [field, value] of entries) {
    if (typeof field !== "string") {
      throw new PolicyError("policy/malformed", { at, found: typeof field });
    }
    out.set(field, readCondition(value, walk, `${at}[${out.size}]`, 0));
  }
  return out;
}

function readCondition<Base extends MemberBase>(
  input: unknown,
  walk: Walk<Base>,
  at: string,
  depth: number,
): Condition<Base> {
  if (depth > POLICY_LIMITS.depth) {
    throw new PolicyError("policy/too-deep", { at, limit: POLICY_LIMITS.depth });
  }
  spend(walk, 1, at);
  const node = walk.spelling.classify(input);
  // XPM-02: a missing or unknown kind makes the whole set unreadable.
  if (node === undefined) {
    throw new PolicyError("policy/unknown-value", { at, rule: "XPM-02", found: typeof input });
  }
  if (node.kind === "base") {
    const base = walk.base(node.value);
    if (base === undefined) throw new PolicyError("policy/unknown-value", { at, rule: "XPM-02" });
    return base;
  }
  const { of } = node;
  if (!Array.isArray(of)) throw new PolicyError("policy/malformed", { at, found: typeof of });
  if (of.length === 0) throw new PolicyError("policy/empty-condition", { at, rule: "XPM-02" });
  if (of.length > walk.budget.left) spend(walk, of.length, at);
  return {
    kind: node.kind,
    // Array.from visits the holes of a sparse array, which map would carry over.
    of: Array.from(of, (part: unknown, index) =>
      readCondition(part, walk, `${at}.${index}`, depth + 1),
    ),
  };
}

function spend(walk: Walk<MemberBase>, count: number, at: string): void {
  walk.budget.left -= count;
  if (walk.budget.left < 0) {
    throw new PolicyError("policy/too-many", { at, limit: POLICY_LIMITS.conditions });
  }
}

function isObject(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}
