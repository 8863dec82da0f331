import { mutateBytes } from "./mutate-bytes.mjs";

const numbers = [0, 1, 2, 3, 5, 6, 7, 10, 255, 256, 0x0a0a, 0xffff, 0x7fffffff, 0xffffffff];
const bigs = [0n, 1n, 2n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];

/** A copy without ties to the encodings that the package remembers by identity. */
export function copyOf(value) {
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, copyOf(field)]));
}

/** Every place in a value that can be changed, with the name of its field. */
function places(value, out = []) {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return out;
  for (const [key, field] of Object.entries(value)) {
    if (key === "kind") continue;
    out.push({ owner: value, key, name: Array.isArray(value) ? "item" : key });
    places(field, out);
  }
  return out;
}

function changed(field, random, pick) {
  if (typeof field === "number") {
    return random(3) === 0 ? numbers[random(numbers.length)] : Math.abs(field + random(5) - 2);
  }
  if (typeof field === "bigint") {
    return random(2) === 0 ? bigs[random(bigs.length)] : field + BigInt(random(3));
  }
  if (typeof field === "boolean") return !field;
  if (field instanceof Uint8Array) {
    const other = pick(Uint8Array) ?? new Uint8Array(0);
    if (random(3) === 0) return other.slice();
    return mutateBytes(field, random, other);
  }
  if (Array.isArray(field)) {
    const at = random(field.length + 1);
    const kind = random(4);
    if (kind === 0) return [];
    if (kind === 1) return field.filter((_, i) => i !== at);
    const item = kind === 2 ? field[random(field.length || 1)] : pick(Array)?.[0];
    return item === undefined ? [] : field.toSpliced(at, 0, copyOf(item));
  }
  return undefined;
}

/** Changes a field or two of a decoded value, with pieces of `donor`; a printer may refuse what comes out. */
export function mutateValue(value, random, donor) {
  const out = copyOf(value);
  for (let i = 1 + random(2); i > 0; i--) {
    const all = places(out);
    if (all.length === 0) return out;
    const { owner, key, name } = all[random(all.length)];
    const lent = places(donor);
    const pick = (type) => {
      const fitting = lent.filter((place) => place.owner[place.key] instanceof type);
      const found = fitting[random(fitting.length || 1)];
      return found?.owner[found.key];
    };
    const same = lent.filter((place) => place.name === name);
    const twin = random(4) === 0 ? same[random(same.length || 1)] : undefined;
    owner[key] = twin
      ? copyOf(twin.owner[twin.key])
      : (changed(owner[key], random, pick) ?? owner[key]);
  }
  return out;
}
