/** The libxmtp version whose rules this package follows (XIN-30). */
export const libxmtpVersion = "1.10.0";

interface Version {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly suffix: string | undefined;
}

const number = "(0|[1-9]\\d{0,19})";
const word = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)";
const form = new RegExp(
  `^${number}\\.${number}\\.${number}(?:-(${word}(?:\\.${word})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);
const maxNumber = 2n ** 64n - 1n;

function parse(text: string): Version | undefined {
  const match = form.exec(text);
  if (!match) return undefined;
  const numbers = [match[1], match[2], match[3]].map((digits) => BigInt(digits as string));
  if (numbers.some((value) => value > maxNumber)) return undefined;
  const [major, minor, patch] = numbers as [bigint, bigint, bigint];
  return { numbers: [major, minor, patch], suffix: match[4] };
}

/** Whether released members can read it: a semantic version to the letter, of 64-bit numbers. They refuse commits with any other floor. */
export function isVersion(text: string): boolean {
  return parse(text) !== undefined;
}

/** XIN-30: whether `required` is newer than `own`. Numbers first, then the suffix: absent sorts before present. */
export function isNewer(required: string | undefined, own: string = libxmtpVersion): boolean {
  if (required === undefined) return false;
  const wanted = parse(required);
  const have = parse(own);
  if (!wanted || !have) return false;
  for (let i = 0; i < 3; i++) {
    const [theirs, ours] = [wanted.numbers[i] as bigint, have.numbers[i] as bigint];
    if (theirs !== ours) return theirs > ours;
  }
  if (wanted.suffix === have.suffix) return false;
  if (wanted.suffix === undefined) return false;
  return have.suffix === undefined || wanted.suffix > have.suffix;
}
