import { formatSlimService } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import {
  cancelFrame,
  checkCall,
  longestCallMs,
  parseFrame,
  requestEnd,
  requestFrame,
} from "./frame.ts";
import type { CallStart, Frame, Wire } from "./frame.ts";
import { createInlet } from "./inlet.ts";
import type { Inlet } from "./inlet.ts";
import type { RpcSession, RpcTime } from "./port.ts";
import { RpcCode, RpcError, rpcErrorOf } from "./status.ts";

export interface CallOptions {
  /** Each member answers once; what it says after that is not waited for. */
  readonly single?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  readonly metadata?: ReadonlyMap<string, string> | undefined;
  /** Ends the call with CANCELLED, here and where it is served. */
  readonly signal?: AbortSignal | undefined;
}

/** What one member answers. */
export type Answer =
  | { readonly kind: "message"; readonly source: SlimName; readonly payload: Uint8Array }
  | { readonly kind: "error"; readonly source: SlimName; readonly error: RpcError };

export type Requests = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

interface CallerParts {
  /** A session with everybody that is called; asked for again when the last one has ended (SRP-01). */
  readonly open: () => Promise<RpcSession>;
  readonly members: readonly SlimName[];
  readonly isGroup: boolean;
  readonly time: RpcTime;
}

/** Makes calls over one session. */
export interface Caller {
  /** Ends when every member has ended its answer. Leaving the loop earlier cancels the call (SRP-09). */
  call(
    service: string,
    method: string,
    requests: Requests,
    options: CallOptions,
  ): AsyncGenerator<Answer, void, void>;
  close(): Promise<void>;
}

/** One call: who still has to end, and what has come. */
interface Call {
  readonly id: string;
  readonly single: boolean;
  readonly waiting: Set<string>;
  readonly inlet: Inlet<Answer>;
}

/** A session and the calls over it. */
interface Line {
  readonly session: RpcSession;
  readonly calls: Map<string, Call>;
  /** Calls that were over when answers still came, so that each is cancelled once. */
  readonly cancelled: Set<string>;
  /** Members of a group that went and have not been heard since, by their service. */
  readonly gone: Map<string, SlimName>;
  ended: boolean;
}

export function createCaller({ open, members, isGroup, time }: CallerParts): Caller {
  let line: Promise<Line> | undefined;
  const budget = { held: 0 };
  const memberKeys = members.map(formatSlimService);

  const openLine = async (): Promise<Line> => {
    const session = await open();
    const opened: Line = {
      session,
      calls: new Map(),
      cancelled: new Set(),
      gone: new Map(),
      ended: false,
    };
    void listen(opened);
    return opened;
  };
  /** One after the other: calls that begin together share one session. */
  const lineNow = (): Promise<Line> => {
    line =
      line?.then(
        (held) => (held.ended ? openLine() : held),
        () => openLine(),
      ) ?? openLine();
    return line;
  };

  const listen = async (on: Line): Promise<void> => {
    for (;;) {
      const item = await on.session.next().catch(() => undefined);
      if (item === undefined) break;
      if (item.kind === "message") {
        const frame = parseFrame(item, { unixMs: time.unixMs() });
        // SRP-03: what callers send is not for us
        if (frame === undefined || frame.fromCaller) continue;
        on.gone.delete(formatSlimService(item.source));
        const call = on.calls.get(frame.callId);
        if (call !== undefined) {
          take(call, item.source, frame.body);
          // too much has come: nobody may read on for long, so it ends now
          if (call.inlet.hasFailed) cancelCall(on, call.id);
        } else if (frame.body.kind === "data") cancelCall(on, frame.callId);
        continue;
      }
      // SRP-12: whatever was lost may have been of any call
      const error =
        item.kind === "lost" ? new RpcError(RpcCode.DataLoss, "a message is lost") : memberGone();
      for (const call of on.calls.values()) take(call, item.source, { kind: "error", error });
      if (item.kind === "gone") leave(on, item.source);
    }
    on.ended = true;
    for (const call of on.calls.values()) {
      call.inlet.fail(new RpcError(RpcCode.Unavailable, "the session has ended"));
    }
  };

  /** A server that comes back comes as another one: a pair ends with it, and the next call opens a session of its own. */
  const leave = (on: Line, source: SlimName): void => {
    if (isGroup) on.gone.set(formatSlimService(source), source);
    else if (!on.ended) {
      on.ended = true;
      on.session.close().catch(() => {});
    }
  };

  const take = (call: Call, source: SlimName, body: Frame["body"]): void => {
    const key = formatSlimService(source);
    // SRP-10: only who was called answers, until it has ended
    if (!call.waiting.has(key)) return;
    if (body.kind === "data") {
      call.inlet.push({ kind: "message", source, payload: body.payload }, body.payload.length);
      if (!call.single) return;
    }
    call.waiting.delete(key);
    // SRP-04: cores before 2.2 end their answer with it where it is empty
    if (body.kind === "end" && call.single) {
      call.inlet.push({ kind: "message", source, payload: new Uint8Array() }, 0);
    }
    if (body.kind === "error") {
      const { status, statusMessage } = body.error;
      const origin = isGroup ? key : undefined;
      const error = new RpcError(status, statusMessage, { origin });
      call.inlet.push({ kind: "error", source, error }, 0);
    }
    if (call.waiting.size === 0) call.inlet.end();
  };

  /** SRP-09: somebody may still be at work for us. */
  const cancelCall = (on: Line, id: string): void => {
    if (on.ended || on.cancelled.has(id)) return;
    if (on.cancelled.size >= 256) on.cancelled.delete(on.cancelled.values().next().value as string);
    on.cancelled.add(id);
    const { payload, metadata } = cancelFrame(id);
    on.session.publish(payload, metadata).then(
      ({ delivered }) => delivered.catch(() => undefined),
      () => undefined,
    );
  };

  const send = async (on: Line, call: Call, { payload, metadata }: Wire): Promise<void> => {
    const { delivered } = await on.session.publish(payload, metadata);
    delivered.then(
      (missing) => {
        // SRP-12: who has not got a request will not answer it
        const error = new RpcError(RpcCode.Unavailable, "a request was not acknowledged");
        for (const source of missing) {
          take(call, source, { kind: "error", error });
          leave(on, source);
        }
      },
      (error: unknown) => call.inlet.fail(rpcErrorOf(error, RpcCode.Unavailable)),
    );
  };

  const sendAll = async (
    on: Line,
    call: Call,
    start: CallStart,
    requests: Requests,
  ): Promise<void> => {
    let first: CallStart | undefined = start;
    try {
      for await (const request of requests) {
        if (call.inlet.isOver) break;
        await send(on, call, requestFrame(call.id, request, first));
        first = undefined;
      }
      // what was cut off must not look complete
      if (call.inlet.hasFailed) cancelCall(on, call.id);
      if (first === undefined || !call.inlet.isOver) {
        await send(on, call, requestEnd(call.id, first));
      }
    } catch (error) {
      call.inlet.fail(rpcErrorOf(error, RpcCode.Unavailable));
    }
  };

  return {
    async *call(service, method, requests, options) {
      const { timeoutMs = longestCallMs, metadata = new Map(), signal, single = false } = options;
      checkCall(service, method, metadata);
      const deadlineMs = time.unixMs() + Math.min(timeoutMs, longestCallMs);
      const id = globalThis.crypto.randomUUID();
      const call: Call = { id, single, waiting: new Set(memberKeys), inlet: createInlet(budget) };
      const cancel = (): void =>
        call.inlet.fail(new RpcError(RpcCode.Cancelled, "", { cause: signal?.reason }));
      if (signal?.aborted === true) cancel();
      signal?.addEventListener("abort", cancel);
      const stopTimer = time.later(deadlineMs - time.unixMs(), () =>
        call.inlet.fail(new RpcError(RpcCode.DeadlineExceeded)),
      );
      let on: Line | undefined;
      if (!call.inlet.isOver)
        lineNow().then(
          (opened) => {
            if (call.inlet.isOver) return undefined;
            on = opened;
            opened.calls.set(id, call);
            for (const source of opened.gone.values()) {
              take(call, source, { kind: "error", error: memberGone() });
            }
            return sendAll(opened, call, { service, method, deadlineMs, metadata }, requests);
          },
          (error: unknown) => call.inlet.fail(rpcErrorOf(error, RpcCode.Unavailable)),
        );
      try {
        yield* call.inlet;
      } finally {
        stopTimer();
        signal?.removeEventListener("abort", cancel);
        call.inlet.close();
        on?.calls.delete(id);
        if (on !== undefined && call.waiting.size > 0) cancelCall(on, id);
      }
    },
    async close() {
      const held = await line?.catch(() => undefined);
      line = undefined;
      await held?.session.close();
    },
  };
}

function memberGone(): RpcError {
  return new RpcError(RpcCode.Unavailable, "a member is gone");
}
