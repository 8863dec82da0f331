import { formatSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { contextOf } from "./context.ts";
import { answerEnd, answerFrame, errorFrame, parseFrame } from "./frame.ts";
import type { CallStart, Frame, Wire } from "./frame.ts";
import type { Served } from "./handlers.ts";
import { createInlet } from "./inlet.ts";
import type { Inlet } from "./inlet.ts";
import type { RpcSession, RpcTime } from "./port.ts";
import { RpcCode, RpcError, rpcErrorOf } from "./status.ts";

/** SRP-11: calls of one session under way at a time. */
const maxCalls = 256;

interface ServeParts {
  readonly session: RpcSession;
  readonly find: (path: string) => Served | undefined;
  readonly time: RpcTime;
  /** Aborted when the server shuts down. */
  readonly signal: AbortSignal;
}

interface Call {
  readonly id: string;
  readonly source: SlimName;
  readonly requests: Inlet<Uint8Array>;
  readonly takesStream: boolean;
  /** Ends the call from outside; `tell`: whether the caller is still there to hear of it. */
  stop(error: RpcError, tell: boolean): void;
}

/** Serves the calls of one session until it ends, or the server shuts down. Answers go to all of it: only that has an order (SRP-13). */
export async function serveSession({ session, find, time, signal }: ServeParts): Promise<void> {
  const calls = new Map<string, Call>();
  const budget = { held: 0 };

  const send = async ({ payload, metadata }: Wire): Promise<void> => {
    const { delivered } = await session.publish(payload, metadata);
    delivered.catch(() => undefined);
  };
  const refuse = (id: string, error: RpcError): void => {
    send(errorFrame(id, error)).catch(() => undefined);
  };

  const begin = (key: string, source: SlimName, start: CallStart, frame: Frame): void => {
    const served = find(`${start.service}/${start.method}`);
    if (served === undefined) {
      refuse(frame.callId, new RpcError(RpcCode.Unimplemented, "no such method"));
      return;
    }
    if (calls.size >= maxCalls) {
      refuse(frame.callId, new RpcError(RpcCode.ResourceExhausted, "too many calls"));
      return;
    }
    const aborted = new AbortController();
    const requests = createInlet<Uint8Array>(budget);
    let over = false;
    const finish = (): void => {
      over = true;
      stopTimer();
      calls.delete(key);
      requests.close();
    };
    const stop = (error: RpcError, tell: boolean): void => {
      if (over) return;
      requests.fail(error);
      finish();
      aborted.abort(error);
      if (tell) refuse(frame.callId, error);
    };
    // SRP-07
    const stopTimer = time.later(start.deadlineMs - time.unixMs(), () =>
      stop(new RpcError(RpcCode.DeadlineExceeded), true),
    );
    const call: Call = {
      id: frame.callId,
      source,
      requests,
      takesStream: served.takesStream,
      stop,
    };
    calls.set(key, call);
    if (start.deadlineMs <= time.unixMs()) {
      stop(new RpcError(RpcCode.DeadlineExceeded), true);
      return;
    }
    take(call, frame);
    if (!served.takesStream) requests.end();

    const context = contextOf(session, source, start, time, aborted.signal);
    const run = async (): Promise<void> => {
      try {
        for await (const answer of served.handle(requests, context)) {
          if (over) return;
          await send(answerFrame(call.id, answer));
        }
        // SRP-06
        if (!over) await send(answerEnd(call.id));
        if (!over) finish();
      } catch (error) {
        stop(rpcErrorOf(error), true);
      }
    };
    void run();
  };

  const take = (call: Call, { body }: Frame): void => {
    if (body.kind === "data") {
      const fits = call.requests.push(body.payload, body.payload.length);
      if (!fits) call.stop(new RpcError(RpcCode.ResourceExhausted, "requests wait unread"), true);
    } else if (body.kind === "end") {
      call.requests.end();
    } else {
      // SRP-09
      call.stop(new RpcError(RpcCode.Cancelled), false);
    }
  };

  const onMessage = (source: SlimName, wire: Wire): void => {
    const frame = parseFrame(wire, { unixMs: time.unixMs() });
    // SRP-03: answers are of others here
    if (frame === undefined || !frame.fromCaller) return;
    // SRP-10: a call belongs to who began it
    const key = `${formatSlimName(source)} ${frame.callId}`;
    const call = calls.get(key);
    if (call === undefined) {
      if (frame.start !== undefined && frame.body.kind !== "error") {
        begin(key, source, frame.start, frame);
      }
    } else if (call.takesStream || frame.body.kind === "error") {
      take(call, frame);
    }
  };

  const shutDown = (): void => {
    for (const call of calls.values()) {
      call.stop(new RpcError(RpcCode.Cancelled, "the server shuts down"), true);
    }
    session.close().catch(() => undefined);
  };
  if (signal.aborted) shutDown();
  signal.addEventListener("abort", shutDown);
  try {
    for (;;) {
      const item = await session.next().catch(() => undefined);
      if (item === undefined) break;
      if (item.kind === "message") {
        onMessage(item.source, item);
        continue;
      }
      // SRP-12: what was lost may have been of any call of this member
      const gone = item.kind === "gone";
      const error = new RpcError(gone ? RpcCode.Cancelled : RpcCode.DataLoss);
      const member = formatSlimName(item.source);
      for (const call of calls.values()) {
        if (formatSlimName(call.source) === member) call.stop(error, !gone);
      }
    }
  } finally {
    signal.removeEventListener("abort", shutDown);
    const ended = new RpcError(RpcCode.Unavailable, "the session has ended");
    for (const call of calls.values()) call.stop(ended, false);
  }
}
