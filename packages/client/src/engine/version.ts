/** The libxmtp version whose rules this package follows (XIN-30). */
export const libxmtpVersion = "1.10.0";

interface Version {
  readonly numbers: readonly [number, number, number];
  readonly suffix: string | undefined;
}

function parse(text: string): Version | undefined {
  const match = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-(.+))?$/.exec(text);
  if (!match) return undefined;
  return {
    numbers: [Number(match[1]), Number(match[2]), Number(match[3])],
    suffix: match[4],
  };
}

/**
 * XIN-30: whether `required` is newer than `own`. Numbers first, then the suffix: absent sorts before present. A text that is no
 * version asks for nothing, as upstream has it.
 */
export function isNewer(required: string | undefined, own: string = libxmtpVersion): boolean {
  if (required === undefined) return false;
  const wanted = parse(required);
  const have = parse(own);
  if (!wanted || !have) return false;
  for (let i = 0; i < 3; i++) {
    const difference = (wanted.numbers[i] as number) - (have.numbers[i] as number);
    if (difference !== 0) return difference > 0;
  }
  if (wanted.suffix === have.suffix) return false;
  if (wanted.suffix === undefined) return false;
  return have.suffix === undefined || wanted.suffix > have.suffix;
}
