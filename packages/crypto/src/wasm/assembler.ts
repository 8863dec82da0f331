/** A function under construction: 32-bit parameters, then locals of 64 bits. */
export interface Draft {
  readonly parameters: number;
  readonly locals: number;
  readonly body: readonly number[];
}

/** An unsigned number in LEB128, as the binary format writes sizes, indices and offsets. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const low = value & 127;
  const rest = Math.floor(value / 128);
  const done = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
  return done ? [low] : [low | 128, ...signed(rest)];
}

/** The instructions that are used here, by their names in the text format. */
export const op = {
  get: (local: number): number[] => [0x20, ...unsigned(local)],
  set: (local: number): number[] => [0x21, ...unsigned(local)],
  tee: (local: number): number[] => [0x22, ...unsigned(local)],
  i32: (value: number): number[] => [0x41, ...signed(value)],
  i64: (value: number): number[] => [0x42, ...signed(value)],
  call: (index: number): number[] => [0x10, ...unsigned(index)],
  /** `i64.load` and `i64.store` at 8-byte alignment. */
  load: (offset: number): number[] => [0x29, 3, ...unsigned(offset)],
  store: (offset: number): number[] => [0x37, 3, ...unsigned(offset)],
  /** A loop that goes round again while the number that the body leaves is not zero. */
  loop: (body: readonly number[]): number[] => [0x03, 0x40, ...body, 0x0d, 0, 0x0b],
  i32Sub: [0x6b],
  add: [0x7c],
  sub: [0x7d],
  mul: [0x7e],
  shl: [0x86],
  shrS: [0x87],
} as const;

const i32 = 0x7f;
const i64 = 0x7e;

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): number[] {
  return [...unsigned(name.length), ...Array.from(name, (letter) => letter.charCodeAt(0))];
}

/** The bytes of a module with one exported memory of `pages` times 64 KiB; its functions take 32-bit numbers and return nothing. */
export function assemble(
  functions: ReadonlyMap<string, Draft>,
  pages: number,
): Uint8Array<ArrayBuffer> {
  const drafts = [...functions.values()];
  const exported = [...functions.keys()].map((name, index) =>
    [text(name), [0], unsigned(index)].flat(),
  );
  return Uint8Array.from(
    [
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, vector(drafts.map(typeOf))),
      section(3, vector(drafts.map((_, index) => unsigned(index)))),
      section(5, vector([[0, ...unsigned(pages)]])),
      section(7, vector([...exported, [...text("memory"), 2, 0]])),
      section(10, vector(drafts.map(codeOf))),
    ].flat(),
  );
}

function typeOf({ parameters }: Draft): number[] {
  return [0x60, ...vector(Array.from({ length: parameters }, () => [i32])), 0];
}

function codeOf({ locals, body }: Draft): number[] {
  const declared = locals === 0 ? [] : [[...unsigned(locals), i64]];
  const code = [...vector(declared), ...body, 0x0b];
  return [...unsigned(code.length), ...code];
}
