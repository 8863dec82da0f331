/** Data ids count to here and go on with 0 (SSN-04). */
export const lastDataId: number = 2 ** 31 - 1;
/** Half of the ring: further ahead is behind (SRL-10). */
const window = 2 ** 30;

export function dataIdAfter(id: number, count = 1): number {
  return (id + count) & lastDataId;
}

/** How many steps lead from one data id to another, around the ring. */
export function dataIdDistance(from: number, to: number): number {
  return (to - from) & lastDataId;
}

/** Whether `id` comes after `other` (SRL-10). */
export function isDataIdAfter(id: number, other: number): boolean {
  const ahead = dataIdDistance(other, id);
  return ahead > 0 && ahead <= window;
}

/** Messages to one member alone have ids beyond those of the order (SRL-16). */
export function isDirectId(id: number): boolean {
  return id > lastDataId;
}

/** SSN-04: from 2^31 to 2^32 - 2, out of a random word of 32 bits. */
export function directIdOf(word: number): number {
  return lastDataId + 1 + (word % lastDataId);
}
