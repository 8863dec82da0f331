import type { InboxId } from "@coterie/base";
import { METADATA_FIELDS, decide } from "@coterie/policy";
import type { Action, Decision } from "@coterie/policy";
import { ClientError } from "../errors.ts";
import { updatedPolicy } from "./compose.ts";
import type { GroupFacts } from "./extensions.ts";
import { stepTo, withIntent, withoutIntent } from "./step.ts";
import type { MessageChange, Step } from "./step.ts";
import type { GroupState, Intent, MessageRow, Sealed, Wish } from "./state.ts";
import { rosterOf } from "./validate-commit.ts";

/** XIN-06: so many failures end an intent. */
const maxPublishAttempts = 3;
/** XIN-14: age of our own keys in a group from which a message brings a key update with it. */
const rotationPeriodNs = 30n * 86_400n * 1_000_000_000n;

/** Puts a wish at the end of the queue, with the message row that belongs to it, if any. */
export function queueWish(
  state: GroupState,
  wish: Wish,
  nowNs: bigint,
  row?: MessageRow,
): { readonly step: Step; readonly intentId: number } {
  const wishes: Wish[] = [wish];
  const stale = nowNs - state.progress.rotatedAtNs > rotationPeriodNs;
  // XIN-14
  if (wish.kind === "send-message" && stale) wishes.unshift({ kind: "key-update" });
  const rotates = wish.kind !== "send-message" || stale;

  const first = state.progress.nextIntent;
  const intents = wishes.map((item, i): Intent => ({
    id: first + i,
    wish: item,
    createdAtNs: nowNs,
    attempts: 0,
    state: { kind: "to-publish" },
  }));
  const next: GroupState = {
    ...state,
    intents: [...state.intents, ...intents],
    progress: {
      ...state.progress,
      nextIntent: first + wishes.length,
      rotatedAtNs: rotates ? nowNs : state.progress.rotatedAtNs,
      lastMessageNs: row ? row.sentAtNs : state.progress.lastMessageNs,
    },
  };
  const messages: MessageChange[] = row
    ? [
        { kind: "insert", row },
        { kind: "retry", id: row.id },
      ]
    : [];
  return { step: stepTo(next, { messages }), intentId: first + wishes.length - 1 };
}

/** The intent was carried out, or there was nothing to carry out (XIN-04). */
export function finishIntent(state: GroupState, intent: Intent): Step {
  return stepTo(withoutIntent(state, intent.id), {
    events: [{ kind: "intent", groupId: state.record.id, intentId: intent.id, outcome: "done" }],
  });
}

/** Gives an intent up; its message becomes Failed (XIN-06, XMS-06). Bytes that may have arrived stay known (XIN-24). */
export function failIntent(state: GroupState, intent: Intent, error: unknown): Step {
  const sealed = intent.state.kind === "published" ? intent.state.sealed : undefined;
  const left =
    sealed && !sealed.confirmed
      ? withIntent(state, { ...intent, state: { kind: "error", sealed } })
      : withoutIntent(state, intent.id);
  return stepTo(left, {
    messages:
      intent.wish.kind === "send-message" ? [{ kind: "fail", id: intent.wish.messageId }] : [],
    events: [
      { kind: "intent", groupId: state.record.id, intentId: intent.id, outcome: "failed", error },
    ],
  });
}

/** XIN-06: one more failed attempt. `keep` holds on to bytes that may have arrived (XIN-24). */
export function countFailure(
  state: GroupState,
  intent: Intent,
  error: unknown,
  keep: boolean,
): Step {
  const attempts = intent.attempts + 1;
  const counted: Intent = {
    ...intent,
    attempts,
    state: keep ? unconfirmed(intent.state) : { kind: "to-publish" },
  };
  if (attempts >= maxPublishAttempts) return failIntent(state, counted, error);
  return stepTo(withIntent(state, counted));
}

/** A node that took bytes, showed no echo of them and cannot be asked again: whether it has them is open once more (XIN-12). */
function unconfirmed(state: Intent["state"]): Intent["state"] {
  if (state.kind !== "published") return state;
  return { ...state, sealed: { ...state.sealed, confirmed: false } };
}

/** Back to the start: built anew in the epoch that is current then (XIN-10, XIN-11). */
export function rebuildIntent(state: GroupState, intent: Intent): GroupState {
  return withIntent(state, { ...intent, state: { kind: "to-publish" } });
}

/** The bytes of an intent, wherever it stands. */
export function sealedOf(intent: Intent): Sealed | undefined {
  return intent.state.kind === "to-publish" ? undefined : intent.state.sealed;
}

/** XIN-09: the intent whose bytes have this hash and were not seen back yet. */
export function intentByHash(state: GroupState, hash: string): Intent | undefined {
  return state.intents.find(
    ({ state: at }) => (at.kind === "published" || at.kind === "error") && at.sealed?.hash === hash,
  );
}

function actionOf(facts: GroupFacts, wish: Wish, actor: InboxId): readonly Action[] {
  switch (wish.kind) {
    case "send-message":
    case "key-update":
      return [{ kind: "key-update", actor }];
    case "metadata":
      return [{ kind: "update-metadata", actor, field: wish.field, value: wish.value }];
    case "pin":
      return [{ kind: "update-metadata", actor, field: METADATA_FIELDS.appData, value: "" }];
    case "membership": {
      const actions: Action[] = [];
      const add = wish.add as readonly InboxId[];
      const remove = wish.remove as readonly InboxId[];
      if (add.length > 0) actions.push({ kind: "add-members", actor, subjects: add });
      if (remove.length > 0) actions.push({ kind: "remove-members", actor, subjects: remove });
      return actions.length > 0 ? actions : [{ kind: "update-sequence-ids", actor }];
    }
    case "admin-list":
      return [{ kind: wish.action, actor, subject: wish.inboxId as InboxId }];
    case "permission": {
      const next = updatedPolicy(facts.policy, wish.update, wish.policy, wish.field);
      return [{ kind: "update-permissions", actor, next }];
    }
    case "readd":
      return [{ kind: "readd-installations", actor }];
  }
}

/** Asks our own policy before anything is sent, with the reasons that every member would give. */
export function decideWish(facts: GroupFacts, wish: Wish, actor: InboxId): Decision {
  const roster = rosterOf(facts);
  for (const action of actionOf(facts, wish, actor)) {
    const decision = decide({ policy: facts.policy, roster, action });
    if (decision.kind === "denied") return decision;
  }
  return { kind: "allowed" };
}

/** Throws `client/insufficient-permissions` with the first rule that stands against it; all are in `message`. */
export function assertAllowed(decision: Decision): void {
  if (decision.kind === "allowed") return;
  const [first] = decision.reasons;
  throw new ClientError("client/insufficient-permissions", {
    rule: first.rule,
    rules: decision.reasons.map(({ rule }) => rule).join(" "),
    reason: first.text,
    subject: first.subject,
    field: first.field,
  });
}
