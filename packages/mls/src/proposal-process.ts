import { ask } from "./judge.ts";
import type { OpenedMessage } from "./open-message.ts";
import type { ProcessInput, Processed } from "./processed.ts";
import { proposalRef, storeProposal } from "./proposals.ts";
import type { Proposal } from "./types.ts";
import { checkProposal } from "./validate-proposals.ts";
import { viewOf } from "./views.ts";

/** Keeps a proposal for a commit that may refer to it (RFC 9420 §12.1), if it is valid on its own and the judge agrees. */
export function processProposal(
  input: ProcessInput,
  opened: OpenedMessage,
  proposal: Proposal,
): Processed {
  const { crypto, group, nowSeconds } = input;
  const { state, suite } = group;
  const { message, sender, spent } = opened;
  const { context, tree } = state;
  const from = message.content.sender;
  checkProposal({ crypto, state, nowSeconds }, proposal, from, context.extensions);
  const verdict = ask(input.judge, {
    kind: "proposal",
    proposal,
    sender,
    authenticatedData: message.content.authenticatedData,
    group: viewOf(context, tree),
  });
  if (verdict.kind === "refuse") {
    return { kind: "refused", reason: { code: verdict.code, details: verdict.details } };
  }
  if (verdict.kind === "wait") return { kind: "waiting", for: verdict.for };
  const ref = proposalRef(crypto, suite, message);
  const proposals = storeProposal(group.proposals, { ref, proposal, sender: from });
  return { kind: "proposal", group: { ...opened.group, proposals }, ref, proposal, sender, spent };
}
