import { CoterieError, fromHex, toHex } from "@coterie/base";
import type { IncomingStream } from "@coterie/transport";
import { GroupMessage } from "@coterie/wire";
import { createStream } from "./async-stream.ts";
import type { AsyncStreamProxy, StreamOptions, StreamSource } from "./async-stream.ts";
import type { Context } from "./context.ts";
import type { ConversationEngine } from "./conversation-engine.ts";
import { queryCursor } from "./engine/receive.ts";
import type { MessageRow } from "./engine/state.ts";
import { ClientError } from "./errors.ts";
import type { Cell, Groups } from "./groups.ts";
import { canHeal } from "./run.ts";
import { runSubscription } from "./subscription.ts";
import { takeEnvelope } from "./take-envelope.ts";
import type { Welcomes } from "./welcomes.ts";

/** The parts that streams draw from. */
export interface StreamParts {
  readonly context: Context;
  readonly groups: Groups;
  readonly engine: ConversationEngine;
  readonly welcomes: Welcomes;
}

function abortedWith(source: StreamSource<never>, context: Context): AbortSignal {
  return AbortSignal.any([source.signal, context.signal]);
}

/** XST-03: one streamed envelope. What cannot be processed alone is left to a full sync of its group. */
async function takeStreamed(parts: StreamParts, message: Uint8Array): Promise<void> {
  const { context, groups, engine } = parts;
  const decoded = decodeFrame(context, message);
  if (decoded?.kind !== "v1") return;
  const { id, createdNs, groupId, data } = decoded.value;
  const cell = await groups.find(toHex(groupId));
  if (!cell || !cell.record.active || cell.record.pausedForVersion !== undefined) return;
  try {
    const taken = await groups.exclusive(cell, (loaded) =>
      takeEnvelope(context, loaded, { sequenceId: id, createdNs, data }, "stream"),
    );
    if (taken === "needs-sync") await engine.sync(cell);
  } catch (error) {
    // Later messages must not overtake this one: the call is opened anew, from the cursor. But not for one group that waits.
    const waits = error instanceof ClientError && error.code === "client/identity-behind";
    if (canHeal(error) && !waits) throw error;
    context.ports.log.write("warn", "stream-message-failed", {
      groupId: cell.id,
      sequenceId: id,
      error: String(error),
    });
  }
}

/** A frame that is none is told of and passed over: it must not end a stream (XST-05). */
function decodeFrame(context: Context, message: Uint8Array): GroupMessage | undefined {
  try {
    return GroupMessage.decode(message);
  } catch (error) {
    const code = error instanceof CoterieError ? error.code : "client/bad-envelope";
    context.bus.emit([{ kind: "refused", what: "envelope", sequenceId: 0n, code }]);
    return undefined;
  }
}

async function filtersOf(
  parts: StreamParts,
  cells: readonly Cell[],
): Promise<{ groupId: string; cursor: bigint }[]> {
  return Promise.all(
    cells.map(async (cell) => ({
      groupId: cell.id,
      // XST-02
      cursor: await parts.groups.exclusive(cell, async ({ state }) => queryCursor(state.progress)),
    })),
  );
}

/** XST-02: messages of some conversations that already exist. */
export function streamMessages<T>(
  parts: StreamParts,
  cells: readonly Cell[],
  toValue: (row: MessageRow) => Promise<T | undefined>,
  options: StreamOptions<T>,
): Promise<AsyncStreamProxy<T>> {
  const { context, engine } = parts;
  const source = createStream<T>(options);
  const signal = abortedWith(source as StreamSource<never>, context);
  // Values in the order of the events, although `toValue` waits.
  let emitting: Promise<void> = Promise.resolve();
  const ids = new Set<string>(cells.map(({ id }) => id));
  return listening(source, start);

  async function start(started: () => void): Promise<void> {
    try {
      if (options.disableSync !== true) for (const cell of cells) await engine.sync(cell);
      const stop = context.bus.listen((event) => {
        if (event.kind !== "message" || !ids.has(event.groupId)) return;
        const { message } = event;
        emitting = emitting
          .then(async () => {
            const value = await toValue(message);
            if (value !== undefined) source.push(value);
          })
          .catch((error: unknown) => source.fail(error));
      });
      signal.addEventListener("abort", stop, { once: true });
      await runSubscription(context.ports, {
        started,
        open: async () => context.api.subscribeGroups(await filtersOf(parts, cells)),
        async handle(message) {
          await source.ready();
          await takeStreamed(parts, message);
        },
        signal,
        options: options as StreamOptions<never>,
      });
      await source.proxy.end();
    } catch (error) {
      source.fail(error);
    }
  }
}

export interface AllMessagesInput<T> {
  readonly wanted: (cell: Cell) => boolean | Promise<boolean>;
  readonly toValue: (row: MessageRow, cell: Cell) => T | undefined | Promise<T | undefined>;
  readonly options: StreamOptions<T>;
}

/** XST-04, XCO-04: messages of all wanted conversations, those of the future included. */
export function streamAllMessages<T>(
  parts: StreamParts,
  input: AllMessagesInput<T>,
): Promise<AsyncStreamProxy<T>> {
  const { context, groups, welcomes } = parts;
  const source = createStream<T>(input.options);
  const signal = abortedWith(source as StreamSource<never>, context);
  const options = input.options as StreamOptions<never>;
  // The message call that runs now; cancelled to open one with more groups.
  let current: IncomingStream | undefined;
  let restart = false;
  // Values in the order of the events, although `toValue` may wait.
  let emitting: Promise<void> = Promise.resolve();
  return listening(source, start);

  function emit(groupId: string, row: MessageRow): void {
    emitting = emitting.then(async () => {
      const cell = await groups.find(groupId);
      if (!cell || !(await input.wanted(cell))) return;
      const value = await input.toValue(row, cell);
      if (value !== undefined) source.push(value);
    });
    emitting = emitting.catch((error: unknown) => source.fail(error));
  }

  async function openMessages(): Promise<IncomingStream> {
    restart = false;
    const cells = (await groups.all()).filter(
      ({ record }) => record.active && record.conversationType !== "oneshot",
    );
    current = context.api.subscribeGroups(await filtersOf(parts, cells));
    // A conversation came while the cursors were read.
    if (restart) current.cancel();
    return current;
  }

  async function start(started: () => void): Promise<void> {
    try {
      if (options.disableSync !== true) await welcomes.sync();
      const stop = context.bus.listen((event) => {
        if (event.kind === "message") emit(event.groupId, event.message);
        const joined = event.kind === "device-sync" && event.what === "group-joined";
        if (event.kind !== "conversation" && !joined) return;
        restart = true;
        current?.cancel();
      });
      signal.addEventListener("abort", stop, { once: true });
      let left = 2;
      const one = (): void => {
        if (--left === 0) started();
      };
      await Promise.all([runMessages(once(one)), runWelcomes(once(one))]);
      await source.proxy.end();
    } catch (error) {
      source.fail(error);
    }
  }

  async function runMessages(started: () => void): Promise<void> {
    await runSubscription(context.ports, {
      started,
      open: openMessages,
      async handle(message) {
        await source.ready();
        await takeStreamed(parts, message);
      },
      reopens: () => {
        const wanted = restart;
        restart = false;
        return wanted;
      },
      signal,
      options,
    });
  }

  async function runWelcomes(started: () => void): Promise<void> {
    await runSubscription(context.ports, {
      started,
      open: async () =>
        context.api.subscribeWelcomes(fromHex(context.installationId), await welcomes.cursor()),
      async handle() {
        await welcomes.sync();
      },
      signal,
      options,
    });
  }
}

/** XST-01: conversations as they come: by welcome, or made here. */
export function streamConversations<T>(
  parts: StreamParts,
  toValue: (cell: Cell) => T | undefined | Promise<T | undefined>,
  options: StreamOptions<T>,
): Promise<AsyncStreamProxy<T>> {
  const { context, groups, welcomes } = parts;
  const source = createStream<T>(options);
  const signal = abortedWith(source as StreamSource<never>, context);
  const seen = new Set<string>();
  let emitting: Promise<void> = Promise.resolve();
  return listening(source, start);

  async function show(groupId: string): Promise<void> {
    const cell = await groups.find(groupId);
    const value = cell && (await toValue(cell));
    if (value !== undefined) source.push(value);
  }

  async function start(started: () => void): Promise<void> {
    try {
      const stop = context.bus.listen((event) => {
        if (event.kind !== "conversation" || seen.has(event.groupId)) return;
        seen.add(event.groupId);
        emitting = emitting.then(() => show(event.groupId)).catch((e: unknown) => source.fail(e));
      });
      signal.addEventListener("abort", stop, { once: true });
      await runSubscription(context.ports, {
        started,
        open: async () =>
          context.api.subscribeWelcomes(fromHex(context.installationId), await welcomes.cursor()),
        async handle() {
          await source.ready();
          await welcomes.sync();
        },
        signal,
        options: options as StreamOptions<never>,
      });
      await source.proxy.end();
    } catch (error) {
      source.fail(error);
    }
  }
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}

/** Resolves with the stream once it listens, or as soon as it has failed for the first time: it goes on trying by itself. */
function listening<T>(
  source: StreamSource<T>,
  start: (started: () => void) => Promise<void>,
): Promise<AsyncStreamProxy<T>> {
  return new Promise((resolve) => {
    const started = (): void => resolve(source.proxy);
    void start(started).finally(started);
  });
}
