import type { Context } from "./context.ts";
import { stepEnv } from "./context.ts";
import { minimumVersionKey } from "./engine/changes.ts";
import { finishIntent } from "./engine/intents.ts";
import { limits } from "./engine/limits.ts";
import { queryCursor, receiveEnvelope } from "./engine/receive.ts";
import type { Envelope } from "./engine/envelope.ts";
import { stepTo } from "./engine/step.ts";
import { isNewer } from "./engine/version.ts";
import { welcomeChunkSize, wrapWelcomes } from "./engine/welcome-wrap.ts";
import { ClientError } from "./errors.ts";
import type { LoadedCell } from "./groups.ts";
import { hasUnconfirmed, publish } from "./publish.ts";
import { withRetry } from "./run.ts";

export type Taken = "done" | "paused" | "needs-sync";

/** Takes one envelope in, loading identity logs as the judge asks for them (XCV-11, XCV-31). */
export async function takeEnvelope(
  context: Context,
  cell: LoadedCell,
  envelope: Envelope,
  via: "sync" | "stream",
): Promise<Taken> {
  let notFound: ReadonlySet<string> = new Set();
  for (;;) {
    const received = receiveEnvelope({
      env: stepEnv(context, notFound),
      state: cell.state,
      envelope,
      via,
    });
    switch (received.kind) {
      case "step":
        await cell.apply(received.step);
        return "done";
      case "paused":
        await cell.apply(received.step);
        return "paused";
      case "needs-sync":
        return "needs-sync";
      case "wait": {
        const { needs } = received;
        const missing = await withRetry(context.ports, () => context.identity.load(needs));
        notFound = new Set([...notFound, ...missing]);
      }
    }
  }
}

/** XIN-07: reads on from the cursor until the node has no more. */
async function receive(context: Context, cell: LoadedCell): Promise<void> {
  for (;;) {
    const cursor = queryCursor(cell.state.progress);
    const page = await withRetry(context.ports, () =>
      context.api.queryGroupMessages(cell.id, cursor),
    );
    for (const message of page.messages) {
      const envelope: Envelope = {
        sequenceId: message.id,
        createdNs: message.createdNs,
        data: message.data,
      };
      if ((await takeEnvelope(context, cell, envelope, "sync")) === "paused") return;
    }
    // A page that moves nothing would come again for ever.
    if (!page.full || queryCursor(cell.state.progress) === cursor) return;
    if (context.signal.aborted) throw new ClientError("client/closed");
  }
}

/** XIN-13: welcomes of commits that are in force now. Repeated until all went out. */
async function postCommit(context: Context, cell: LoadedCell): Promise<void> {
  for (const intent of cell.state.intents) {
    if (intent.state.kind !== "committed") continue;
    const { sealed, sequenceId } = intent.state;
    if (sealed.welcome && sealed.recipients.length > 0) {
      const welcomes = wrapWelcomes(
        context.ports.crypto,
        sealed.recipients,
        sealed.welcome,
        sequenceId,
      );
      // XWL-10
      const size = welcomeChunkSize(welcomes[0], limits.welcomeBytes);
      for (let at = 0; at < welcomes.length; at += size) {
        const chunk = welcomes.slice(at, at + size);
        await withRetry(context.ports, () => context.api.sendWelcomes(chunk));
      }
    }
    await cell.apply(finishIntent(cell.state, intent));
  }
}

/** XIN-31: whether the group is paused, after comparing anew with our own version. */
export async function stillPaused(cell: LoadedCell): Promise<boolean> {
  const { record } = cell.state;
  if (record.pausedForVersion === undefined) return false;
  const required = record.metadata.attributes.get(minimumVersionKey);
  if (isNewer(record.pausedForVersion) || isNewer(required)) return true;
  await cell.apply(stepTo({ ...cell.state, record: { ...record, pausedForVersion: undefined } }));
  return false;
}

/** What went wrong in the steps of one round; all steps ran (XIN-02). */
export interface RoundErrors {
  readonly errors: readonly unknown[];
}

/** XIN-02: publish, receive, post-commit. Bytes of unknown fate are looked for before they are sent again (XIN-24). */
export async function round(context: Context, cell: LoadedCell): Promise<RoundErrors> {
  if (!cell.state.record.active || !cell.state.mls) {
    throw new ClientError("client/group-inactive", { rule: "XCV-25", groupId: cell.id });
  }
  if (await stillPaused(cell)) return { errors: [] };
  const errors: unknown[] = [];
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      errors.push(error);
    }
  };
  let seen = true;
  if (hasUnconfirmed(cell.state)) {
    seen = false;
    await attempt(async () => {
      await receive(context, cell);
      seen = true;
    });
  }
  // Without having looked, the same bytes could go out twice; harmless for others, but not for the count of attempts.
  if (seen && cell.state.record.active) await attempt(() => publish(context, cell));
  await attempt(() => receive(context, cell));
  await attempt(() => postCommit(context, cell));
  return { errors };
}
