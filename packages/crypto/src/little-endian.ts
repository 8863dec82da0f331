import { toHex } from "@coterie/base";

/** The number that these bytes are, the least significant first. */
export function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().toReversed())}`);
}
