import { idBytes } from "@coterie/base";
import { TransportError } from "@coterie/transport";
import type { GroupMessageInputV1 } from "@coterie/wire";
import type { Context } from "./context.ts";
import { stepEnv } from "./context.ts";
import { raiseDoubt } from "./engine/doubt.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { senderHmac } from "./engine/hmac.ts";
import {
  assertAllowed,
  countFailure,
  decideWish,
  failIntent,
  finishIntent,
  rebuildIntent,
  sealedOf,
} from "./engine/intents.ts";
import {
  confirmSent,
  contextProposals,
  isSendable,
  mlsOf,
  sealCommit,
  sealMessage,
} from "./engine/send.ts";
import { stepTo, withoutIntent } from "./engine/step.ts";
import type { GroupState, Intent, Sealed } from "./engine/state.ts";
import { ClientError } from "./errors.ts";
import type { LoadedCell } from "./groups.ts";
import { gatherMembership, gatherReadd } from "./gather.ts";
import { canHeal } from "./run.ts";

/** Messages that go out in one request, and their bytes: nodes and proxies take no request of any size. */
const batchSize = 50;
const batchBytes = 16 * 1024 * 1024;

/** Statuses by which a server says that something broke inside it, after which the bytes may or may not be stored. */
const unsure: ReadonlySet<number> = new Set([2, 13, 15]);

/** XIN-24: whether the bytes may have arrived in spite of the failure. */
function mayHaveArrived(error: unknown): boolean {
  if (!(error instanceof TransportError)) return false;
  return error.sent === "unknown" || (error.sent === "answered" && unsure.has(error.status));
}

function intentById(state: GroupState, id: number): Intent | undefined {
  return state.intents.find((intent) => intent.id === id);
}

/** Whether bytes went out, or nearly, and nobody knows yet whether they arrived. */
export function hasUnconfirmed(state: GroupState, nowNs: bigint): boolean {
  return state.intents.some(
    ({ state: at }) => at.kind === "published" && isDoubtful(at.sealed, nowNs),
  );
}

/** Bytes that the node has and that did not come back: their echo may have been spoiled or kept from us. */
export async function doubtEchoes(context: Context, cell: LoadedCell): Promise<void> {
  const now = context.ports.clock.nowNs();
  const epoch = cell.state.mls?.context.epoch ?? 0n;
  for (const { state: at } of cell.state.intents) {
    if (at.kind !== "published" || !at.sealed.confirmed || !isDoubtful(at.sealed, now)) continue;
    const epochsBack = Number(epoch - at.sealed.epoch);
    const doubted = raiseDoubt(cell.state, "gap", now, { epochsBack });
    if (doubted !== cell.state) await cell.apply(stepTo(doubted));
    return;
  }
}

/** XIN-12: the echo always comes, unless the node lied about having the bytes: then they are sent again. */
const echoWithinNs = 60n * 1_000_000_000n;

function isDoubtful({ confirmed, confirmedAtNs }: Sealed, nowNs: bigint): boolean {
  return !confirmed || (confirmedAtNs !== undefined && nowNs - confirmedAtNs > echoWithinNs);
}

/**
 * XIN-05: a commit of ours whose echo is still to come; nothing else may be staged on its epoch. One that was given up may never have
 * arrived: whichever of the two the log has first counts (XIN-10), and the other is of an epoch that is over.
 */
function commitInFlight(state: GroupState): boolean {
  return state.intents.some(
    ({ state: at }) =>
      at.kind === "published" &&
      at.sealed.pending !== undefined &&
      at.sealed.epoch === state.mls?.context.epoch,
  );
}

/**
 * XIN-03 to XIN-06: seals what is queued with the current keys, stores it, and only then sends it. Stops after a commit. Throws the
 * failure that ended the round, after it was counted.
 */
export async function publish(context: Context, cell: LoadedCell): Promise<void> {
  await forgetOldErrors(cell);
  for (;;) {
    const batch = await nextBatch(context, cell);
    if (batch.length === 0) return;
    await send(context, cell, batch);
    if (batch.some((intent) => sealedOf(intent)?.pending !== undefined)) return;
  }
}

/** Bytes of given-up intents are remembered as long as their echo could still mean something. */
async function forgetOldErrors(cell: LoadedCell): Promise<void> {
  const epoch = cell.state.mls?.context.epoch ?? 0n;
  for (const intent of cell.state.intents) {
    if (intent.state.kind !== "error" || intent.state.sealed.epoch + 3n >= epoch) continue;
    await cell.apply(stepTo(withoutIntent(cell.state, intent.id)));
  }
}

/** Intents whose bytes are stored and ready to go; sealing them on the way. */
async function nextBatch(context: Context, cell: LoadedCell): Promise<Intent[]> {
  const batch: number[] = [];
  let bytes = 0;
  // Sealed in memory first, then stored in one write.
  let state = cell.state;
  let spent: Uint8Array[] = [];
  const keep = async (): Promise<void> => {
    if (state !== cell.state) await cell.apply(stepTo(state, { spent }));
    spent = [];
  };
  const fits = (length: number): boolean => {
    if (batch.length > 0 && bytes + length > batchBytes) return false;
    bytes += length;
    return true;
  };
  for (const queued of cell.state.intents) {
    if (batch.length >= batchSize) break;
    const intent = intentById(state, queued.id);
    if (!intent || intent.state.kind === "committed" || intent.state.kind === "error") continue;
    if (intent.state.kind === "published") {
      const { sealed } = intent.state;
      if (!isDoubtful(sealed, context.ports.clock.nowNs())) continue;
      if (isSendable(state, sealed)) {
        if (sealed.pending && batch.length > 0) break;
        if (!fits(sealed.payload.length)) break;
        batch.push(intent.id);
        if (sealed.pending) break;
        continue;
      }
      state = rebuildIntent(state, intent);
    }
    if (intent.wish.kind === "send-message") {
      if (!fits(intent.wish.envelope.length)) break;
      const sealed = sealMessage(stepEnv(context), state, intent);
      state = sealed.state;
      spent.push(...sealed.spent);
      batch.push(intent.id);
      continue;
    }
    // A commit goes alone: what was queued before it goes first, what comes after it waits for the new epoch.
    if (batch.length > 0 || commitInFlight(state)) break;
    await keep();
    const staged = await stage(context, cell, intent);
    state = cell.state;
    if (!staged) continue;
    batch.push(intent.id);
    break;
  }
  await keep();
  return batch.flatMap((id) => intentById(cell.state, id) ?? []);
}

/** Stages the commit of an intent; false where there is nothing to send, or it cannot be built. */
async function stage(context: Context, cell: LoadedCell, intent: Intent): Promise<boolean> {
  try {
    const { state } = cell;
    const facts = decodeFacts(mlsOf(state).context.extensions);
    assertAllowed(decideWish(facts, intent.wish, context.inboxId));
    const { wish } = intent;
    if (wish.kind === "membership" || wish.kind === "readd") {
      const content = await (wish.kind === "membership"
        ? gatherMembership(context, state, wish)
        : gatherReadd(context, state, wish));
      if (!content) {
        await cell.apply(finishIntent(state, intent));
        return false;
      }
      await cell.apply(sealCommit(stepEnv(context), state, intent, content));
      return true;
    }
    const content = { proposals: contextProposals(state, intent), recipients: [] };
    await cell.apply(sealCommit(stepEnv(context), state, intent, content));
    return true;
  } catch (error) {
    const current = intentById(cell.state, intent.id);
    if (current) {
      await cell.apply(
        canHeal(error)
          ? countFailure(cell.state, current, error, false)
          : failIntent(cell.state, current, error),
      );
    }
    throw error;
  }
}

async function send(context: Context, cell: LoadedCell, batch: readonly Intent[]): Promise<void> {
  const { crypto, clock } = context.ports;
  const groupId = idBytes(cell.id);
  const root = await context.preferences.hmacRoot();
  const messages = batch.flatMap((intent): GroupMessageInputV1[] => {
    const payload = sealedOf(intent)?.payload;
    if (!payload) return [];
    return [
      {
        data: payload,
        senderHmac: senderHmac(crypto, root.key, groupId, clock.nowNs(), payload),
        shouldPush: intent.wish.kind === "send-message" && intent.wish.shouldPush,
      },
    ];
  });
  try {
    await context.api.sendGroupMessages(messages);
  } catch (error) {
    for (const { id } of batch) {
      const intent = intentById(cell.state, id);
      // The bytes of a message are as good as others would be, and leave no gap between its sender's keys.
      const keep =
        mayHaveArrived(error) ||
        intent?.wish.kind === "send-message" ||
        // The node had them once.
        (intent !== undefined && sealedOf(intent)?.confirmedAtNs !== undefined);
      if (intent) await cell.apply(countFailure(cell.state, intent, error, keep));
    }
    throw error instanceof TransportError
      ? error
      : new ClientError("client/publish-failed", { groupId: cell.id }, { cause: error });
  }
  // Forgotten in a crash it costs a look at the node's log (XIN-24), so it can wait for the echo's write.
  cell.hold(
    stepTo(
      confirmSent(
        cell.state,
        batch.map(({ id }) => id),
        clock.nowNs(),
      ),
    ),
  );
}
