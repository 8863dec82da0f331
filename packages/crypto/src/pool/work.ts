import { concat } from "@coterie/base";
import type { CryptoProvider } from "../provider.ts";
import { answerOf, claim, isGivenUp, itemOf, openBatch, states, tagged } from "./batch.ts";
import type { Batch, BatchMessage } from "./batch.ts";

/**
 * What a worker does with a batch: item after item from the end, while the caller, which needs them in their order, comes from the
 * front; so the two meet once, wherever that is, and nobody waits.
 */
export function work(crypto: CryptoProvider, key: Uint8Array, message: BatchMessage): void {
  const batch = openBatch(message);
  for (let index = batch.count - 1; index >= 0 && !isGivenUp(batch); index--) {
    if (claim(batch, index, "working") === states.free) answer(crypto, key, batch, index);
  }
}

function answer(crypto: CryptoProvider, key: Uint8Array, batch: Batch, index: number): void {
  const { what } = batch;
  const parts = itemOf(batch, index);
  const [publicKey, signature, message] = parts as [Uint8Array, Uint8Array, Uint8Array];
  let result: Uint8Array | undefined;
  if (what.kind === "verify") {
    if (crypto.verify(what.name, publicKey, message, signature)) result = new Uint8Array(0);
  } else {
    try {
      const made = crypto.dhEphemeral(what.name, publicKey);
      result = concat(made.publicKey, made.shared);
      made.shared.fill(0);
    } catch {
      // The caller meets the same error when it comes to this key.
    }
  }
  if (result === undefined) {
    Atomics.store(batch.states, index, states.failed);
    return;
  }
  const slot = answerOf(batch, index);
  slot.set(crypto.hmac("sha256", key, tagged(what, parts, result)));
  slot.set(result, slot.length - result.length);
  result.fill(0);
  Atomics.store(batch.states, index, states.done);
}
