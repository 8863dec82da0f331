import { toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { encodeWith } from "./codec.ts";
import { verifyKeyPackage } from "./create-key-package.ts";
import { MlsError } from "./errors.ts";
import type { EpochState } from "./group.ts";
import { limits } from "./limits.ts";
import { proposalType } from "./proposal.ts";
import { writePreSharedKeyId } from "./psk-types.ts";
import { checkDistinctExtensions, unsupported } from "./required-capabilities.ts";
import type { ResolvedProposal } from "./resolve-proposals.ts";
import { requireMember } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { allSupportProposal, supportOf } from "./tree-support.ts";
import type { Extension, PreSharedKeyId, Proposal, Sender } from "./types.ts";
import { validateLeaf } from "./validate-leaf.ts";

export interface ProposalRules {
  readonly crypto: CryptoProvider;
  /** The epoch that the proposals apply to. */
  readonly state: Pick<EpochState, "context" | "tree">;
  /** Unix seconds; lifetimes of added key packages are not looked at without. */
  readonly nowSeconds?: bigint | undefined;
  /** RFC 9420 §11.2, §11.3: only the commit that founds a group may use this kind of resumption PSK. */
  readonly founding?: "reinit" | "branch" | undefined;
}

/** RFC 9420 §12.1.8. */
const kindsFromExternal: ReadonlySet<Proposal["kind"]> = new Set([
  "add",
  "remove",
  "psk",
  "reinit",
  "group-context-extensions",
]);

/** RFC 9420 §12.4: all but these make a path necessary, custom ones included (MLS-03). */
const kindsWithoutPath: ReadonlySet<Proposal["kind"]> = new Set(["add", "psk", "reinit"]);

/** MLS-03: whether a commit of these proposals has to carry a path. */
export function needsPath(proposals: readonly ResolvedProposal[]): boolean {
  if (proposals.length === 0) return true;
  return proposals.some(({ proposal }) => !kindsWithoutPath.has(proposal.kind));
}

/** Group context extensions after a commit: those of its GroupContextExtensions proposal, whole, or those from before. */
export function extensionsAfter(
  state: Pick<EpochState, "context">,
  proposals: readonly ResolvedProposal[],
): readonly Extension[] {
  for (const { proposal } of proposals) {
    if (proposal.kind === "group-context-extensions") return proposal.extensions;
  }
  return state.context.extensions;
}

/**
 * RFC 9420 §12.1: one proposal on its own. `extensions` are those in force when it takes effect (MLS-03). Throws `mls/bad-proposal`
 * with `why`, or what the key package or leaf in it is refused for.
 */
export function checkProposal(
  rules: ProposalRules,
  proposal: Proposal,
  sender: Sender,
  extensions: readonly Extension[],
): void {
  const { crypto, state, nowSeconds } = rules;
  const { tree } = state;
  checkSender(proposal, sender);
  switch (proposal.kind) {
    case "add":
      return verifyKeyPackage({
        crypto,
        keyPackage: proposal.keyPackage,
        cipherSuite: tree.suite,
        extensions,
        nowSeconds,
      });
    case "update": {
      if (sender.kind !== "member") throw bad("sender");
      const { leafIndex } = sender;
      const { groupId } = state.context;
      const replaces = requireMember(tree, leafIndex);
      const place = { kind: "update", groupId, leafIndex, replaces } as const;
      const leaf = proposal.leafNode;
      return validateLeaf({ crypto, suite: tree.suite, leaf, place, extensions });
    }
    case "remove":
      requireMember(tree, proposal.removed);
      return;
    case "psk":
      return checkPsk(rules, proposal.psk);
    case "reinit":
      if (proposal.version < state.context.version) throw bad("version");
      return checkDistinctExtensions(proposal.extensions);
    case "group-context-extensions":
      return checkDistinctExtensions(proposal.extensions);
    case "external-init":
    case "custom":
      return;
  }
}

function checkSender(proposal: Proposal, sender: Sender): void {
  if (sender.kind === "external" && !kindsFromExternal.has(proposal.kind)) throw bad("sender");
  if (sender.kind === "new-member-proposal" && proposal.kind !== "add") throw bad("sender");
}

function checkPsk(rules: ProposalRules, psk: PreSharedKeyId): void {
  if (psk.nonce.length !== rules.state.tree.suite.hashLength) throw bad("psk-nonce");
  if (psk.kind === "resumption" && psk.usage !== "application" && psk.usage !== rules.founding) {
    throw bad("psk-usage");
  }
}

/** Each costs four hashes at every member, and a Welcome with more could not be read. */
function checkPskCount(proposals: readonly ResolvedProposal[]): void {
  const psks = proposals.filter(({ proposal }) => proposal.kind === "psk").length;
  if (psks > limits.psks) throw new MlsError("mls/limit", { value: psks, limit: limits.psks });
}

/**
 * RFC 9420 §12.2, the list of a member's commit: what is wrong about the proposals together. Key uniqueness and support by all members
 * are seen on the tree afterwards (`validateMembers`). Throws `mls/bad-proposal`.
 */
export function checkMemberList(
  rules: ProposalRules,
  proposals: readonly ResolvedProposal[],
  committer: number,
): void {
  const extensions = extensionsAfter(rules.state, proposals);
  checkPskCount(proposals);
  const once = uniqueness();
  for (const { proposal, sender } of proposals) {
    checkProposal(rules, proposal, sender, extensions);
    switch (proposal.kind) {
      case "add":
        once("added-client", toHex(proposal.keyPackage.leafNode.signatureKey));
        once("init-key", toHex(proposal.keyPackage.initKey));
        break;
      case "update": {
        const leafIndex = sender.kind === "member" ? sender.leafIndex : undefined;
        if (leafIndex === committer) throw bad("own-update");
        once("leaf", String(leafIndex));
        break;
      }
      case "remove":
        if (proposal.removed === committer) throw bad("own-removal");
        once("leaf", String(proposal.removed));
        break;
      case "psk":
        once("psk", toHex(encodeWith(writePreSharedKeyId, proposal.psk)));
        break;
      case "group-context-extensions":
        once("group-context-extensions", "");
        break;
      case "reinit":
        if (proposals.length > 1) throw bad("reinit-with-others");
        break;
      case "external-init":
        throw bad("external-init");
      case "custom":
        break;
    }
  }
}

/** RFC 9420 §12.2, the list of an external commit. Throws `mls/bad-proposal`. */
export function checkExternalList(
  rules: ProposalRules,
  proposals: readonly ResolvedProposal[],
): void {
  checkPskCount(proposals);
  const once = uniqueness();
  for (const { proposal, sender, byReference } of proposals) {
    if (byReference) throw bad("by-reference");
    checkProposal(rules, proposal, sender, rules.state.context.extensions);
    if (proposal.kind === "external-init" || proposal.kind === "remove") once(proposal.kind, "");
    else if (proposal.kind === "psk") {
      once("psk", toHex(encodeWith(writePreSharedKeyId, proposal.psk)));
    } else throw bad("not-in-external-commit");
  }
  if (!proposals.some(({ proposal }) => proposal.kind === "external-init")) {
    throw bad("no-external-init");
  }
}

/**
 * RFC 9420 §12.2: proposals of a non-default type need the support of all who process the commit, which those it adds and removes
 * are not. `remaining` is the tree after removals and before additions. Throws `mls/unsupported`.
 */
export function checkCustomSupport(
  remaining: RatchetTree,
  proposals: readonly ResolvedProposal[],
): void {
  for (const { proposal } of proposals) {
    if (proposal.kind !== "custom") continue;
    const type = proposalType(proposal);
    if (!allSupportProposal(supportOf(remaining), type)) throw unsupported("proposal", type);
  }
}

function uniqueness(): (what: string, key: string) => void {
  const seen = new Set<string>();
  return (what, key) => {
    const entry = `${what} ${key}`;
    if (seen.has(entry)) throw bad(`duplicate-${what}`);
    seen.add(entry);
  };
}

function bad(why: string): MlsError {
  return new MlsError("mls/bad-proposal", { why });
}
