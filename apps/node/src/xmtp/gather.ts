import { tooLarge } from "../errors.ts";
import type { NodeLimits } from "../limits.ts";

export interface Gathering<Key, Value> {
  readonly keys: readonly Key[];
  readonly limits: NodeLimits;
  /** Values of some keys, in their order. */
  readonly read: (keys: readonly Key[]) => Promise<readonly Value[]>;
  /** Bytes of a value in the answer. */
  readonly sizeOf: (value: Value) => number;
  /** How many keys to read at once: few where one value may be large. */
  readonly atOnce?: number;
}

/**
 * What many keys ask for, in their order. Lets other calls in between, and throws `node/too-large` before the answer grows past
 * what clients read: a short request must not make a boundless answer.
 */
export async function gather<Key, Value>(gathering: Gathering<Key, Value>): Promise<Value[]> {
  const { keys, limits, read, sizeOf, atOnce = 128 } = gathering;
  if (keys.length > limits.keysPerRequest)
    throw tooLarge("keys", limits.keysPerRequest, keys.length);
  const out: Value[] = [];
  let bytes = 0;
  for (let from = 0; from < keys.length; from += atOnce) {
    if (from > 0) await new Promise((resolve) => setImmediate(resolve));
    for (const value of await read(keys.slice(from, from + atOnce))) {
      bytes += sizeOf(value);
      out.push(value);
    }
    if (bytes > limits.answerBytes) throw tooLarge("answer", limits.answerBytes, bytes);
  }
  return out;
}
