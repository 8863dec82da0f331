import type { Transport } from "@coterie/transport";

/** Changes what a node answers: `undefined` lets an answer through. */
export type Tamper = (
  path: string,
  answer: Uint8Array,
  request: Uint8Array,
) => Uint8Array | undefined;

/** A transport whose unary answers pass through somebody's hands. */
export function tampered(transport: Transport, tamper: () => Tamper | undefined): Transport {
  return {
    async unary(path, request, options) {
      const answer = await transport.unary(path, request, options);
      return tamper()?.(path, answer, request) ?? answer;
    },
    serverStream: (path, request, options) => transport.serverStream(path, request, options),
    duplex: (path, options) => transport.duplex(path, options),
    close: () => transport.close(),
  };
}
