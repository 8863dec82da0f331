import { fromUtf8, toUtf8 } from "@coterie/base";
import { RpcCode, RpcError, rpcCodeOf } from "./status.ts";

/** SRP-02 to SRP-07: what stands in the metadata of a call's messages. */
const keys = {
  call: "rpc-id",
  service: "service",
  method: "method",
  deadline: "slimrpc-timeout",
  status: "slimrpc-code",
  direction: "slimrpc-dir",
} as const;
const reserved: ReadonlySet<string> = new Set(Object.values(keys));
const request = "req";

/** SRP-07: ten hours. */
export const longestCallMs = 36_000_000;
/** SRP-11, of bytes. */
const maxNameLength = 255;
const maxCallIdLength = 128;

export interface Wire {
  readonly payload: Uint8Array;
  readonly metadata: ReadonlyMap<string, string>;
}

/** What the first message of a call says beside its payload (SRP-02). */
export interface CallStart {
  readonly service: string;
  readonly method: string;
  readonly deadlineMs: number;
  readonly metadata: ReadonlyMap<string, string>;
}

/** One message of a call, whichever side sent it. */
export interface Frame {
  readonly callId: string;
  readonly fromCaller: boolean;
  readonly start: CallStart | undefined;
  readonly body:
    | { readonly kind: "data"; readonly payload: Uint8Array }
    | { readonly kind: "end" }
    | { readonly kind: "error"; readonly error: RpcError };
}

const nothing = new Uint8Array();

export function requestFrame(callId: string, payload: Uint8Array, start?: CallStart): Wire {
  return { payload, metadata: callerMetadata(callId, start) };
}

/** SRP-05. `start`: of a call without a single request. */
export function requestEnd(callId: string, start?: CallStart): Wire {
  return { payload: nothing, metadata: withStatus(callerMetadata(callId, start), RpcCode.Ok) };
}

/** SRP-09. */
export function cancelFrame(callId: string): Wire {
  return { payload: nothing, metadata: withStatus(callerMetadata(callId), RpcCode.Cancelled) };
}

/** SRP-04: data carries no status, so that an empty answer is not its stream's end. */
export function answerFrame(callId: string, payload: Uint8Array): Wire {
  return { payload, metadata: new Map([[keys.call, callId]]) };
}

export function answerEnd(callId: string): Wire {
  return { payload: nothing, metadata: withStatus(new Map([[keys.call, callId]]), RpcCode.Ok) };
}

export function errorFrame(callId: string, error: RpcError): Wire {
  const metadata = withStatus(new Map([[keys.call, callId]]), error.status);
  return { payload: toUtf8(error.statusMessage.slice(0, 4096)), metadata };
}

/** Undefined for a message that is of no call. */
export function parseFrame(
  { payload, metadata }: Wire,
  now: { readonly unixMs: number },
): Frame | undefined {
  const callId = metadata.get(keys.call) ?? "";
  if (callId === "" || callId.length > maxCallIdLength) return undefined;
  return {
    callId,
    // SRP-03
    fromCaller: metadata.get(keys.direction) === request,
    start: startOf(metadata, now.unixMs),
    body: bodyOf(payload, metadata.get(keys.status)),
  };
}

/** SRP-04. Cores before 2.2 put the status OK on data too: then it is the end only where the payload is empty. */
function bodyOf(payload: Uint8Array, status: string | undefined): Frame["body"] {
  if (status === undefined) return { kind: "data", payload };
  const code = /^\d{1,3}$/.test(status) ? rpcCodeOf(Number(status)) : undefined;
  if (code === RpcCode.Ok) {
    return payload.length === 0 ? { kind: "end" } : { kind: "data", payload };
  }
  return { kind: "error", error: new RpcError(code ?? RpcCode.Unknown, textOf(payload)) };
}

function startOf(metadata: ReadonlyMap<string, string>, now: number): CallStart | undefined {
  const service = metadata.get(keys.service) ?? "";
  const method = metadata.get(keys.method) ?? "";
  if (service === "" || method === "") return undefined;
  if (service.length > maxNameLength || method.length > maxNameLength) return undefined;
  const own = [...metadata].filter(([key]) => !reserved.has(key));
  // SRP-07: absolute, in seconds; what is no number is as good as none
  const said = metadata.get(keys.deadline) ?? "";
  const seconds = /^\d{1,12}(\.\d+)?$/.test(said) ? Number(said) : Infinity;
  const deadlineMs = Math.min(seconds * 1000, now + longestCallMs);
  return { service, method, deadlineMs, metadata: new Map(own) };
}

function callerMetadata(callId: string, start?: CallStart): Map<string, string> {
  const metadata = new Map(start?.metadata);
  if (start !== undefined) {
    metadata.set(keys.service, start.service);
    metadata.set(keys.method, start.method);
    metadata.set(keys.deadline, String(start.deadlineMs / 1000));
  }
  metadata.set(keys.call, callId);
  metadata.set(keys.direction, request);
  return metadata;
}

function withStatus(metadata: Map<string, string>, status: RpcCode): Map<string, string> {
  return metadata.set(keys.status, String(status));
}

/** Throws INVALID_ARGUMENT for what cannot be called (SRP-11). */
export function checkCall(
  service: string,
  method: string,
  metadata: ReadonlyMap<string, string>,
): void {
  for (const name of [service, method]) {
    if (name === "" || name.length > maxNameLength || name.includes("/")) {
      throw new RpcError(RpcCode.InvalidArgument, "a service or a method has no such name");
    }
  }
  for (const key of metadata.keys()) {
    if (reserved.has(key)) {
      throw new RpcError(RpcCode.InvalidArgument, "this metadata belongs to the call itself");
    }
  }
}

function textOf(payload: Uint8Array): string {
  try {
    return fromUtf8(payload.subarray(0, 4096));
  } catch {
    return "";
  }
}
