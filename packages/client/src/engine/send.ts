import { toHex } from "@coterie/base";
import { commit, encodePending, seal } from "@coterie/mls";
import type { Group as MlsGroup, Proposal } from "@coterie/mls";
import { METADATA_FIELDS } from "@coterie/policy";
import { ClientError } from "../errors.ts";
import { adminProposal, metadataProposal, permissionsProposal, updatedPolicy } from "./compose.ts";
import type { MembershipCommit } from "./compose.ts";
import { decodeFacts } from "./extensions.ts";
import { assertAttribute } from "./limits.ts";
import { withPin } from "./pins.ts";
import { stepTo, withIntent } from "./step.ts";
import type { Step, StepEnv } from "./step.ts";
import type { GroupState, Intent, Recipient, Sealed } from "./state.ts";

/** XIN-11: how many epochs back a message of ours may still be read by everybody. */
export const messageEpochs = 3n;

export function mlsOf(state: GroupState): MlsGroup {
  if (!state.mls) {
    throw new ClientError("client/group-inactive", { groupId: state.record.id, rule: "XHS-10" });
  }
  return state.mls;
}

function sealedIntent(intent: Intent, sealed: Sealed): Intent {
  return { ...intent, state: { kind: "published", sealed } };
}

function hashOf(env: StepEnv, payload: Uint8Array): string {
  return toHex(env.crypto.hash("sha256", payload));
}

/** Seals an application message with the current keys. The ratchet moves: the result must be stored before its bytes go out. */
export function sealMessage(env: StepEnv, state: GroupState, intent: Intent): Step {
  if (intent.wish.kind !== "send-message") return stepTo(state);
  const group = mlsOf(state);
  // XGC-04: nothing authenticated beside it and no padding.
  const sealed = seal({
    crypto: env.crypto,
    group,
    signer: env.signer,
    plaintext: intent.wish.envelope,
  });
  const next = sealedIntent(intent, {
    payload: sealed.message,
    hash: hashOf(env, sealed.message),
    epoch: sealed.epoch,
    recipients: [],
    confirmed: false,
  });
  return stepTo(withIntent({ ...state, mls: sealed.group }, next), { spent: sealed.spent });
}

/** What an intent of the kinds that change the context puts into its commit (XGC-41 to XGC-44). */
export function contextProposals(state: GroupState, intent: Intent): readonly Proposal[] {
  const { extensions } = mlsOf(state).context;
  const { wish } = intent;
  switch (wish.kind) {
    case "key-update":
      return [];
    case "metadata":
      return [metadataProposal(extensions, decodeFacts(extensions), wish.field, wish.value)];
    case "pin": {
      const facts = decodeFacts(extensions);
      const field = METADATA_FIELDS.appData;
      const before = facts.metadata.attributes.get(field) ?? "";
      const value = withPin(before, wish.messageId, wish.pinned);
      assertAttribute(field, value);
      return [metadataProposal(extensions, facts, field, value)];
    }
    case "admin-list":
      return [adminProposal(extensions, decodeFacts(extensions), wish.action, wish.inboxId)];
    case "permission": {
      const { policy } = decodeFacts(extensions);
      const next = updatedPolicy(policy, wish.update, wish.policy, wish.field);
      return [permissionsProposal(extensions, next)];
    }
    case "send-message":
    case "membership":
    case "readd":
      throw new ClientError("client/unsupported", { intent: wish.kind });
  }
}

/** Stages a commit (DESIGN decision 5): the group stays where it is; only the used-up handshake generation moves. */
export function sealCommit(
  env: StepEnv,
  state: GroupState,
  intent: Intent,
  content: MembershipCommit,
): Step {
  const group = mlsOf(state);
  const staged = commit({
    crypto: env.crypto,
    group,
    signer: env.signer,
    // XGC-06: by value, never by reference.
    proposals: [...content.proposals],
    // XGC-07: every commit has a path.
    forcePath: true,
    wireFormat: "private",
    // XGC-09
    ratchetTreeInWelcome: true,
    nowSeconds: env.nowNs / 1_000_000_000n,
  });
  const recipients: readonly Recipient[] = content.recipients;
  const next = sealedIntent(intent, {
    payload: staged.message,
    hash: hashOf(env, staged.message),
    epoch: group.context.epoch,
    pending: encodePending(staged.pending),
    welcome: staged.welcome,
    recipients,
    confirmed: false,
  });
  return stepTo(withIntent({ ...state, mls: staged.group }, next), { spent: staged.spent });
}

/** The node said that it has the bytes of these intents. */
export function confirmSent(state: GroupState, ids: readonly number[], nowNs: bigint): GroupState {
  return {
    ...state,
    intents: state.intents.map((intent): Intent => {
      if (!ids.includes(intent.id) || intent.state.kind !== "published") return intent;
      const sealed = { ...intent.state.sealed, confirmed: true, confirmedAtNs: nowNs };
      return { ...intent, state: { kind: "published", sealed } };
    }),
  };
}

/** XIN-24: whether bytes that may not have arrived are still worth sending again in this epoch. */
export function isSendable(state: GroupState, sealed: Sealed): boolean {
  const epoch = state.mls?.context.epoch;
  if (epoch === undefined) return false;
  if (sealed.pending) return sealed.epoch === epoch;
  return sealed.epoch <= epoch && sealed.epoch + messageEpochs > epoch;
}
