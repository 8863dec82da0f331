import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Status, type StatusCode } from "../transport.ts";
import { encodeGrpcMessage } from "../headers.ts";

/** Headers in front of an answer's messages. */
export const okHeaders: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc",
};

const okTrailers: OutgoingHttpHeaders = { "grpc-status": "0" };
const headersOnly = { endStream: true } as const;

/** The trailers that tell how a call ended (XND-01). */
export function trailersOf(status: StatusCode, reason: string): OutgoingHttpHeaders {
  return status === Status.ok
    ? okTrailers
    : { "grpc-status": String(status), "grpc-message": encodeGrpcMessage(reason) };
}

/** True while the stream still carries anything to the caller. */
export function isOpen(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed;
}

/** Answers with headers alone: a verdict before any message, or a plain HTTP status. */
export function sendOnlyHeaders(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  stream.respond(headers, headersOnly);
  stopListening(stream);
}

export function sendTrailers(stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
  if (!isOpen(stream)) return;
  stream.sendTrailers(trailers);
  stopListening(stream);
}

/** Ends a caller's direction that is still open once the answer went out. NO_ERROR: the answer stands (RFC 9113 §8.1). */
function stopListening(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) return;
  stream.resume();
  setImmediate(closeStream, stream);
}

function closeStream(stream: ServerHttp2Stream): void {
  if (isOpen(stream) && !stream.readableEnded) stream.close();
}
