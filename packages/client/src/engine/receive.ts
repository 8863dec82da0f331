import { toHex } from "@coterie/base";
import { adopt, decodePending, peekMessage, process } from "@coterie/mls";
import type { Group as MlsGroup } from "@coterie/mls";
import { applyCommit } from "./apply-commit.ts";
import type { Envelope } from "./envelope.ts";
import { contentTypeOf, openEnvelope } from "./content.ts";
import { afterMessage, deletionOf, receiveMessage } from "./receive-message.ts";
import { failIntent, finishIntent, intentByHash, rebuildIntent } from "./intents.ts";
import { createJudge } from "./judge.ts";
import { limits } from "./limits.ts";
import { messageEpochs } from "./send.ts";
import { stepTo, withIntent } from "./step.ts";
import type { Step, StepEnv } from "./step.ts";
import { CommitResult } from "./state.ts";
import type { CommitLogRow, EngineEvent, GroupState, Intent, Progress, Sealed } from "./state.ts";
import { validateCommit } from "./validate-commit.ts";
import type { Awaited } from "./validate-commit.ts";
import { expiryOf } from "./expiry.ts";
import { ClientError } from "../errors.ts";

export type Received =
  | { readonly kind: "step"; readonly step: Step }
  /** Load what is missing, then hand the same envelope in again. Nothing has changed. */
  | {
      readonly kind: "wait";
      readonly needs: Extract<Awaited, { readonly kind: "identity" }>["needs"];
    }
  /** XIN-30: keep the cursor where it is and stop. */
  | { readonly kind: "paused"; readonly step: Step }
  /** XST-03: only a full sync may process this one. */
  | { readonly kind: "needs-sync" };

export interface ReceiveInput {
  readonly env: StepEnv;
  readonly state: GroupState;
  readonly envelope: Envelope;
  /** Streams process single application messages ahead of the cursor and nothing else. */
  readonly via: "sync" | "stream";
}

type StreamName = "commit" | "application";

/** XIN-07: one query serves both streams, from the higher cursor. */
export function queryCursor(progress: Progress): bigint {
  return progress.commitCursor > progress.messageCursor
    ? progress.commitCursor
    : progress.messageCursor;
}

/** The state after an envelope was dealt with for good. */
function advance(
  state: GroupState,
  stream: StreamName,
  sequenceId: bigint,
  via: ReceiveInput["via"],
): GroupState {
  const { progress } = state;
  if (via === "stream") {
    return { ...state, progress: { ...progress, ahead: [...progress.ahead, sequenceId] } };
  }
  const moved: Progress = {
    ...progress,
    ahead: progress.ahead.filter((id) => id > sequenceId),
    ...(stream === "commit" ? { commitCursor: sequenceId } : { messageCursor: sequenceId }),
  };
  return { ...state, progress: moved };
}

/** Takes one envelope in: own echoes by their hash, everything else through MLS and the judge. Pure. */
export function receiveEnvelope(input: ReceiveInput): Received {
  const { env, state, envelope, via } = input;
  const { sequenceId } = envelope;
  const group = state.mls;
  if (!group) return { kind: "step", step: stepTo(state) };

  const peeked = peek(envelope.data);
  const stream: StreamName = peeked?.contentType === "commit" ? "commit" : "application";
  // XIN-08
  const cursor = stream === "commit" ? state.progress.commitCursor : state.progress.messageCursor;
  if (sequenceId <= cursor) return { kind: "step", step: stepTo(state) };
  if (state.progress.ahead.includes(sequenceId)) {
    if (via === "stream") return { kind: "step", step: stepTo(state) };
    return { kind: "step", step: stepTo(advance(state, stream, sequenceId, via)) };
  }
  if (via === "stream" && (stream === "commit" || state.progress.ahead.length >= limits.ahead)) {
    return { kind: "needs-sync" };
  }
  const settle = (step: Step): Received => ({
    kind: "step",
    step: { ...step, state: advance(step.state, stream, sequenceId, via) },
  });
  const refused = (code: string, rule?: string): Received =>
    settle(stepTo(state, { events: [refusal(state, envelope, "envelope", code, rule)] }));

  // XGC-03, XND-32
  if (!peeked) return refused("client/bad-envelope", "XGC-03");
  if (peeked.wireFormat !== "private") return refused("client/unsupported-message-type", "XGC-03");
  if (!peeked.groupId || toHex(peeked.groupId) !== state.record.id) {
    return refused("client/wrong-group", "XND-32");
  }

  const intent = intentByHash(state, toHex(env.crypto.hash("sha256", envelope.data)));
  const sealed =
    intent && (intent.state.kind === "published" || intent.state.kind === "error")
      ? intent.state.sealed
      : undefined;
  // XIN-09: never decrypted, the keys are gone.
  if (intent && sealed) {
    if (!sealed.pending) return settle(ownMessage(input, intent, sealed));
    return ownCommit(input, intent, sealed, settle);
  }
  return foreign(input, group, peeked.contentType ?? "application", settle);
}

function peek(data: Uint8Array): ReturnType<typeof peekMessage> | undefined {
  try {
    return peekMessage(data);
  } catch {
    return undefined;
  }
}

function refusal(
  state: GroupState,
  envelope: Envelope,
  what: Extract<EngineEvent, { kind: "refused" }>["what"],
  code: string,
  rule?: string,
): EngineEvent {
  return {
    kind: "refused",
    what,
    groupId: state.record.id,
    sequenceId: envelope.sequenceId,
    code,
    rule,
  };
}

/** XIN-11. */
function ownMessage({ env, state, envelope }: ReceiveInput, intent: Intent, sealed: Sealed): Step {
  const epoch = state.mls?.context.epoch ?? 0n;
  if (intent.wish.kind !== "send-message") return stepTo(state);
  if (sealed.epoch + messageEpochs <= epoch || sealed.epoch > epoch) {
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
function ownCommit(
  { env, state, envelope }: ReceiveInput,
  intent: Intent,
  sealed: Sealed,
  settle: (step: Step) => Received,
): Received {
  const group = state.mls as MlsGroup;
  if (sealed.epoch !== group.context.epoch) {
    const log = [logRow(group, envelope, CommitResult.wrongEpoch, intent.wish.kind, env)];
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
    const { rule } = verdict.details;
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
      events: [
        ...failed.events,
        refusal(
          state,
          envelope,
          "commit",
          verdict.code,
          rule === undefined ? undefined : String(rule),
        ),
      ],
      log: [logRow(group, envelope, CommitResult.invalid, intent.wish.kind, env, verdict.code)],
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
    type: intent.wish.kind,
  });
  const waits = sealed.welcome !== undefined && sealed.recipients.length > 0;
  if (!waits) {
    const done = finishIntent(applied.state, intent);
    return settle({ ...applied, state: done.state, events: [...applied.events, ...done.events] });
  }
  const committed: Intent = {
    ...intent,
    state: { kind: "committed", sealed, sequenceId: envelope.sequenceId },
  };
  return settle({ ...applied, state: withIntent(applied.state, committed) });
}

function foreign(
  input: ReceiveInput,
  group: MlsGroup,
  content: "application" | "proposal" | "commit",
  settle: (step: Step) => Received,
): Received {
  const { env, state, envelope } = input;
  const once = createJudge({ identity: env.identity, ownInboxId: env.ownInboxId });
  // Without a clock: lifetimes are the committer's to check (XGC-10), and no verdict may depend on when it is reached.
  const result = process({
    crypto: env.crypto,
    group,
    message: envelope.data,
    judge: once.judge,
  });
  const what = content === "application" ? "message" : content;
  switch (result.kind) {
    case "message": {
      const received = receiveMessage({ env, state, envelope, result });
      return received.kind === "wait" ? received : settle(received.step);
    }
    case "committed": {
      const valid = once.commit();
      if (!valid) return settle(stepTo(state));
      return settle(
        applyCommit({
          env,
          state,
          group: result.group,
          valid,
          envelope,
          removed: result.removed,
          type: "commit",
        }),
      );
    }
    case "proposal":
      return settle(stepTo({ ...state, mls: result.group }));
    case "waiting": {
      const awaited = result.for as Awaited;
      if (awaited.kind === "identity") return { kind: "wait", needs: awaited.needs };
      return { kind: "paused", step: pause(state, awaited.required) };
    }
    case "refused": {
      const { code } = result.reason;
      const rule = result.reason.details?.["rule"];
      const event = refusal(
        state,
        envelope,
        what,
        code,
        rule === undefined ? undefined : String(rule),
      );
      if (content !== "commit") return settle(stepTo(state, { events: [event] }));
      const verdict = code.startsWith("mls/") ? CommitResult.undecryptable : CommitResult.invalid;
      // XCV-30
      return settle(
        stepTo(state, {
          events: [event],
          log: [logRow(group, envelope, verdict, "commit", env, code)],
        }),
      );
    }
    case "ignored": {
      // XCV-32: a later commit of an epoch that is over.
      const log =
        content === "commit" && state.progress.nextLogEntry > 1
          ? [logRow(group, envelope, CommitResult.wrongEpoch, "commit", env)]
          : [];
      return settle(stepTo(suspectFork(state, group, envelope, result.epoch), { log }));
    }
    case "own":
      // Our own handshake that we do not remember: a copy of this installation runs elsewhere (F9).
      return settle(
        stepTo(state, { events: [refusal(state, envelope, what, "client/own-unknown", "XIN-09")] }),
      );
  }
}

/** XIN-40: only reported. */
function suspectFork(
  state: GroupState,
  group: MlsGroup,
  envelope: Envelope,
  epoch: bigint | undefined,
): GroupState {
  if (epoch === undefined || epoch <= group.context.epoch) return state;
  const forkDetails = `message ${envelope.sequenceId} is of epoch ${epoch}, the group in ${group.context.epoch}`;
  return { ...state, record: { ...state.record, forkDetails } };
}

function pause(state: GroupState, version: string): Step {
  const paused = { ...state, record: { ...state.record, pausedForVersion: version } };
  return stepTo(paused, { events: [{ kind: "paused", groupId: state.record.id, version }] });
}

function logRow(
  group: MlsGroup,
  envelope: Envelope,
  result: number,
  type: string,
  env: StepEnv,
  error?: string,
): CommitLogRow {
  return {
    sequenceId: envelope.sequenceId,
    lastAuthenticator: group.epochAuthenticator,
    appliedAuthenticator: group.epochAuthenticator,
    appliedEpoch: group.context.epoch,
    result,
    type,
    sender: type === "commit" ? undefined : env.ownInboxId,
    error,
  };
}
