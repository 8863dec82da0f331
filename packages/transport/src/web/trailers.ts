import { fromUtf8, toUtf8 } from "@coterie/base";
import { TransportError, errorOfAnswer, parseStatus } from "../errors.ts";
import { frameHeaderBytes, trailersFlag, writeFrameHeader } from "../framing.ts";
import { decodeGrpcMessage, encodeGrpcMessage } from "../headers.ts";
import { Status, type StatusCode } from "../transport.ts";

/** XND-06: the frame that ends an answer, with the verdict in HTTP/1's way of writing headers. */
export function encodeTrailers(status: StatusCode, reason: string): Uint8Array<ArrayBuffer> {
  const words = reason === "" ? "" : `grpc-message: ${encodeGrpcMessage(reason)}\r\n`;
  const block = toUtf8(`grpc-status: ${status}\r\n${words}`);
  const frame = new Uint8Array(frameHeaderBytes + block.length);
  writeFrameHeader(frame, 0, block.length);
  frame[0] = trailersFlag;
  frame.set(block, frameHeaderBytes);
  return frame;
}

/** How the call ended: undefined for well. A block without a status that can be read is a failure too. */
export function verdictOf(block: Uint8Array): TransportError | undefined {
  let text: string;
  try {
    text = fromUtf8(block);
  } catch (cause) {
    return badTrailers(cause);
  }
  let status: string | undefined;
  let reason = "";
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "grpc-status") status = value;
    else if (name === "grpc-message") reason = value;
  }
  if (status === undefined) return badTrailers();
  return verdictOfStatus(status, reason);
}

/** The same out of headers, where an answer has no body. */
export function verdictOfStatus(status: string, reason: string): TransportError | undefined {
  const code = parseStatus(status);
  return code === Status.ok ? undefined : errorOfAnswer(code, decodeGrpcMessage(reason));
}

function badTrailers(cause?: unknown): TransportError {
  return new TransportError(Status.internal, {
    sent: "unknown",
    code: "transport/bad-frame",
    details: { rule: "XND-06", missing: "grpc-status" },
    cause,
  });
}
