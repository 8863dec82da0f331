import { adopt, decodePending } from "@coterie/mls";
import type { Group as MlsGroup } from "@coterie/mls";
import { ClientError } from "../errors.ts";
import { applyCommit } from "./apply-commit.ts";
import { typeOfWish } from "./commit-log.ts";
import { contentTypeOf, openEnvelope } from "./content.ts";
import type { Envelope } from "./envelope.ts";
import { expiryOf } from "./expiry.ts";
import { failIntent, finishIntent, rebuildIntent } from "./intents.ts";
import { logRow, pause, refusal, ruleOf } from "./outcomes.ts";
import type { Received } from "./outcomes.ts";
import { afterMessage, deletionOf } from "./receive-message.ts";
import { messageEpochs } from "./send.ts";
import { CommitResult } from "./state.ts";
import type { GroupState, Intent, Sealed } from "./state.ts";
import { stepTo, withIntent } from "./step.ts";
import type { Step, StepEnv } from "./step.ts";
import { validateCommit } from "./validate-commit.ts";

export interface EchoInput {
  readonly env: StepEnv;
  readonly state: GroupState;
  readonly envelope: Envelope;
}

/**
 * XIN-11, but for one epoch: at a distance of three receivers still read a message (XGC-05), so that a second copy of it would only give
 * it another time and place in our own list.
 */
export function ownMessage(
  { env, state, envelope }: EchoInput,
  intent: Intent,
  sealed: Sealed,
): Step {
  const epoch = state.mls?.context.epoch ?? 0n;
  if (intent.wish.kind !== "send-message") return stepTo(state);
  if (sealed.epoch + messageEpochs < epoch || sealed.epoch > epoch) {
    // One that was given up stays Failed.
    if (intent.state.kind === "error") return { ...finishIntent(state, intent), events: [] };
    return stepTo(rebuildIntent(state, intent));
  }
  const opened = openEnvelope(intent.wish.envelope);
  const content = opened.kind === "v1" ? opened.content : new Uint8Array(0);
  const said = { content, contentType: contentTypeOf(content), senderInboxId: env.ownInboxId };
  const done = finishIntent(state, intent);
  return {
    ...done,
    state: { ...done.state, record: afterMessage(env, state.record, said) },
    deletions: deletionOf(state.record, said),
    messages: [
      {
        kind: "publish",
        id: intent.wish.messageId,
        sentAtNs: envelope.createdNs,
        sequenceId: envelope.sequenceId,
        expireAtNs: expiryOf(state.record, env.nowNs),
      },
    ],
  };
}

/** XIN-10: the own commit is judged like any other, and adopted here and nowhere else (trap 18). */
export function ownCommit(
  { env, state, envelope }: EchoInput,
  intent: Intent,
  sealed: Sealed,
  settle: (step: Step) => Received,
): Received {
  const group = state.mls as MlsGroup;
  const type = typeOfWish(intent.wish);
  if (sealed.epoch !== group.context.epoch) {
    const log = [logRow(group, envelope, CommitResult.wrongEpoch, type, env)];
    // One that was given up stays so; all others try again on the new epoch.
    if (intent.state.kind === "error")
      return settle({ ...finishIntent(state, intent), events: [], log });
    return settle({ ...stepTo(rebuildIntent(state, intent)), log });
  }
  const pending = decodePending(env.crypto, sealed.pending as Uint8Array);
  const verdict = validateCommit(pending.view, { identity: env.identity });
  if (verdict.kind === "wait") {
    if (verdict.for.kind === "identity") return { kind: "wait", needs: verdict.for.needs };
    return { kind: "paused", step: pause(state, verdict.for.required) };
  }
  if (verdict.kind === "refuse") {
    const rule = ruleOf(verdict.details);
    const error = new ClientError("client/insufficient-permissions", {
      ...verdict.details,
      verdict: verdict.code,
    });
    const confirmed: Intent = {
      ...intent,
      state: { kind: "published", sealed: { ...sealed, confirmed: true } },
    };
    const failed = failIntent(state, confirmed, error);
    return settle({
      ...failed,
      events: [...failed.events, refusal(state, envelope, "commit", verdict.code, rule)],
      log: [logRow(group, envelope, CommitResult.invalid, type, env, { code: verdict.code, rule })],
    });
  }
  const adopted = adopt({ group, pending });
  const applied = applyCommit({
    env,
    state,
    group: adopted.group,
    valid: verdict.commit,
    envelope,
    removed: false,
    spent: adopted.spent,
  });
  const waits = sealed.welcome !== undefined && sealed.recipients.length > 0;
  if (!waits) {
    const done = finishIntent(applied.state, intent);
    return settle({ ...applied, state: done.state, events: [...applied.events, ...done.events] });
  }
  const committed: Intent = {
    ...intent,
    state: {
      kind: "committed",
      // In force: what is left to do needs the welcome alone.
      sealed: { ...sealed, payload: new Uint8Array(0), pending: undefined },
      sequenceId: envelope.sequenceId,
    },
  };
  return settle({ ...applied, state: withIntent(applied.state, committed) });
}
