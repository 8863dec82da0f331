import { concat } from "@coterie/base";

/** A piece of a program: bytes as they are, a place to jump to, or the address of such a place. */
export type Piece = readonly number[] | { readonly mark: string } | { readonly place: string };

/** Instructions of the Ethereum virtual machine, as far as they are used here. */
export const evm = {
  gt: [0x11],
  eq: [0x14],
  isZero: [0x15],
  and: [0x16],
  codeCopy: [0x39],
  extCodeSize: [0x3b],
  returnDataSize: [0x3d],
  mload: [0x51],
  mstore8: [0x53],
  jump: [0x56],
  jumpIf: [0x57],
  gas: [0x5a],
  call: [0xf1],
  return: [0xf3],
  staticCall: [0xfa],
  /** A number below 65,536. */
  push: (value: number): readonly number[] => [0x61, value >> 8, value & 255],
  /** Up to 32 bytes. */
  pushBytes: (bytes: Uint8Array): readonly number[] => [0x5f + bytes.length, ...bytes],
} as const;

const jumpDestination = 0x5b;

/** The program with `data` behind it; the place `data` is where that begins. */
export function assembleEvm(pieces: readonly Piece[], data: Uint8Array): Uint8Array {
  const places = new Map<string, number>();
  let at = 0;
  for (const piece of pieces) {
    if ("mark" in piece) places.set(piece.mark, at);
    at += "mark" in piece ? 1 : "place" in piece ? 3 : piece.length;
  }
  places.set("data", at);
  const code = pieces.flatMap((piece) => {
    if ("mark" in piece) return [jumpDestination];
    return "place" in piece ? evm.push(places.get(piece.place) as number) : piece;
  });
  return concat(Uint8Array.from(code), data);
}
