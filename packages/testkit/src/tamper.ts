import type { IncomingStream, Transport } from "@coterie/transport";

/** Changes what a node answers: `undefined` lets an answer through. */
export type Tamper = (
  path: string,
  answer: Uint8Array,
  request: Uint8Array,
) => Uint8Array | undefined;

/** Changes what comes over a stream: other messages in the place of one, or none. `close` ends the call after them. */
export type StreamTamper = (
  path: string,
  message: Uint8Array,
) => { readonly messages: readonly Uint8Array[]; readonly close?: boolean } | undefined;

/** Answers in the node's place, which never hears of the call. */
export type Swallow = (path: string, request: Uint8Array) => Uint8Array | undefined;

/** Somebody's hands between a client and its node. */
export interface Hands {
  readonly tamper: Tamper | undefined;
  readonly streamTamper: StreamTamper | undefined;
  readonly swallow: Swallow | undefined;
}

/** A transport whose answers pass through somebody's hands. */
export function tampered(transport: Transport, hands: () => Hands | undefined): Transport {
  return {
    async unary(path, request, options) {
      const swallowed = hands()?.swallow?.(path, request);
      if (swallowed) return swallowed;
      const answer = await transport.unary(path, request, options);
      return hands()?.tamper?.(path, answer, request) ?? answer;
    },
    serverStream: (path, request, options) =>
      handled(transport.serverStream(path, request, options), path, hands),
    duplex: (path, options) => transport.duplex(path, options),
    close: () => transport.close(),
  };
}

function handled(
  stream: IncomingStream,
  path: string,
  hands: () => Hands | undefined,
): IncomingStream {
  async function* messages(): AsyncGenerator<Uint8Array> {
    for await (const message of stream) {
      const changed = hands()?.streamTamper?.(path, message);
      if (!changed) yield message;
      else {
        yield* changed.messages;
        if (changed.close === true) return;
      }
    }
  }
  return {
    opened: stream.opened,
    cancel: () => stream.cancel(),
    [Symbol.asyncIterator]: messages,
  };
}
