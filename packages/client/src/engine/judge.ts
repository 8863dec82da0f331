import type { Judge, ProposalView, Verdict } from "@coterie/mls";
import { judgeChange } from "@coterie/policy";
import { diffFacts } from "./changes.ts";
import { decodeFacts } from "./extensions.ts";
import { ownerOf } from "./leaf.ts";
import { changeBy, refuse, rosterOf, tooLong, validateCommit } from "./validate-commit.ts";
import type { JudgeContext, ValidCommit } from "./validate-commit.ts";
import { validateJoin } from "./validate-join.ts";
import type { ValidJoin } from "./validate-join.ts";

/** The judge of one `process` or `join`, and what it found out on the way. */
export interface JudgeOnce {
  readonly judge: Judge;
  /** Set after a commit was accepted. */
  commit(): ValidCommit | undefined;
  /** Set after a join was accepted. */
  join(): ValidJoin | undefined;
}

/** The one door (DESIGN decision 6): every commit, proposal and welcome passes here, whatever path it came by. */
export function createJudge(context: JudgeContext & { readonly ownInboxId: string }): JudgeOnce {
  let commit: ValidCommit | undefined;
  let join: ValidJoin | undefined;
  const judge: Judge = (view): Verdict => {
    switch (view.kind) {
      case "commit": {
        const verdict = validateCommit(view, context);
        if (verdict.kind !== "accept") return verdict;
        commit = verdict.commit;
        return { kind: "accept" };
      }
      case "proposal":
        return judgeProposal(view);
      case "join": {
        const verdict = validateJoin(view, context);
        if (verdict.kind !== "accept") return verdict;
        join = verdict.join;
        return { kind: "accept" };
      }
    }
  };
  return { judge, commit: () => commit, join: () => join };
}

/**
 * XIN-23: a standalone proposal is kept for its epoch only where it replaces the extensions, by a member that may do so.
 * The commit that names it is judged again as a whole.
 */
function judgeProposal(view: ProposalView): Verdict {
  if (view.proposal.kind !== "group-context-extensions") {
    return refuse("unsupported-proposal", "XIN-23", { proposal: view.proposal.kind });
  }
  const author = view.sender.kind === "member" ? ownerOf(view.sender.leaf) : undefined;
  if (!author) return refuse("actor-not-member", "XCV-06");
  const { extensions } = view.group.context;
  try {
    const facts = decodeFacts(extensions);
    const after = decodeFacts(view.proposal.extensions);
    const changes = diffFacts(
      { facts, extensions },
      { facts: after, extensions: view.proposal.extensions },
    );
    const field = tooLong(changes);
    if (field !== undefined) return refuse("too-many-characters", "XCV-05", { field });
    const decision = judgeChange({
      policy: facts.policy,
      roster: rosterOf(facts),
      change: changeBy(author.inboxId, changes),
    });
    if (decision.kind === "allowed") return { kind: "accept" };
    return refuse("insufficient-permissions", decision.reasons[0].rule, { actor: author.inboxId });
  } catch {
    return refuse("bad-group-context", "XCV-02");
  }
}
