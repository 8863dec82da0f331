import { formatSlimName, formatSlimService, parseSlimName, slimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";

/** A name as somebody typed it: three parts, or four with a UUID or, as in 1.x, a number (SND-09). */
export interface GivenName {
  readonly text: string;
  /** With its id where that was a UUID. */
  readonly name: SlimName;
  readonly decimal?: bigint | undefined;
}

/** What is wrong with a name, in words for people. */
export class NameError extends Error {}

/** Throws a `NameError`. `counts`: how many parts it may have. */
export function parseGivenName(text: string, counts: readonly number[]): GivenName {
  if (text === "") throw new NameError("name cannot be empty");
  const parts = text.split("/").map((part) => part.trim());
  const [organization = "", namespace = "", service = "", id] = parts;
  if (!counts.includes(parts.length) || parts.includes("")) {
    const expected = counts.join(" or ");
    throw new NameError(`invalid name format, expected ${expected} components separated by '/'`);
  }
  try {
    if (id !== undefined && /^\d{1,39}$/.test(id)) {
      return { text, name: slimName(organization, namespace, service), decimal: BigInt(id) };
    }
    return { text, name: parseSlimName(text) };
  } catch (cause) {
    const what = id === undefined ? "a component is too long" : "the id is neither UUID nor number";
    throw new NameError(`invalid name: ${what}`, { cause });
  }
}

const low64 = (1n << 64n) - 1n;

/**
 * The one instance that is meant (SNM-10): a number is a whole id or the low half of one. Undefined where none is known; throws a `NameError`
 * that names them where it could be several. Without any id all instances fit.
 */
export function findInstance(
  given: GivenName,
  instances: readonly SlimName[],
): SlimName | undefined {
  const { name, decimal } = given;
  const wanted = ({ id }: SlimName): boolean => {
    if (id === undefined) return false;
    if (decimal !== undefined) return id === decimal || (id & low64) === decimal;
    return name.id === undefined || id === name.id;
  };
  const found = instances.filter(wanted);
  if (found.length <= 1) return found[0];
  const candidates = found.map(formatSlimName).toSorted().join(", ");
  throw new NameError(`several instances fit: ${candidates}`);
}

/** Whether what was typed means this full name. */
export function fits(given: GivenName, full: string): boolean {
  const name = parseSlimName(full);
  if (formatSlimService(name) !== formatSlimService(given.name)) return false;
  return findInstance(given, [name]) !== undefined;
}

/** Whether two typed names are one: the same words, or the same instance in other words. */
export function sameGiven(text: string, given: GivenName): boolean {
  if (text === given.text) return true;
  const other = parseGivenName(text, [3, 4]);
  if (formatSlimService(other.name) !== formatSlimService(given.name)) return false;
  if (other.name.id !== undefined)
    return findInstance(given, [other.name]) !== undefined && hasId(given);
  if (given.name.id !== undefined)
    return findInstance(other, [given.name]) !== undefined && hasId(other);
  return other.decimal === given.decimal;
}

const hasId = ({ name, decimal }: GivenName): boolean =>
  name.id !== undefined || decimal !== undefined;

/** As they were typed, where they are still here; and who else is, by the full name. */
export function shownNames(
  typed: readonly string[],
  members: readonly SlimName[] | undefined,
): readonly string[] {
  if (members === undefined) return typed;
  const left = [...members];
  const shown: string[] = [];
  for (const text of typed) {
    const given = parseGivenName(text, [3, 4]);
    const at = left.findIndex((name) => fits(given, formatSlimName(name)));
    if (at < 0) continue;
    left.splice(at, 1);
    shown.push(text);
  }
  return [...shown, ...left.map(formatSlimName)];
}
