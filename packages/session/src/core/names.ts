import {
  decodeSlimName,
  encodeSlimName,
  formatSlimName,
  formatSlimService,
  keepEncoding,
  Name,
} from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";

/** A name as all of its forms at once; equal names have equal keys (SNM-08). */
export interface KnownName {
  readonly name: SlimName;
  readonly wire: Name;
  /** `org/ns/service/<uuid>`. */
  readonly key: string;
  /** `org/ns/service`. */
  readonly service: string;
}

/** Names that were met are hashed and formatted once. */
export interface NameBook {
  of(name: SlimName): KnownName;
  /** What a peer wrote. Throws `wire/missing-field` or `wire/bad-name`. */
  read(wire: Name | undefined): KnownName;
}

/** Strangers cannot make it grow without end. */
const remembered = 8192;

export function createNameBook(): NameBook {
  const byKey = new Map<string, KnownName>();
  const byId = new Map<bigint, KnownName[]>();

  const of = (name: SlimName): KnownName => {
    const key = formatSlimName(name);
    const met = byKey.get(key);
    if (met !== undefined) return met;
    if (byKey.size >= remembered) {
      byKey.clear();
      byId.clear();
    }
    // names stand in every header and in everything that is signed
    const wire = keepEncoding(Name, encodeSlimName(name));
    const known: KnownName = { name, wire, key, service: formatSlimService(name) };
    byKey.set(key, known);
    const half = wire.name?.nameId?.id1 ?? 0n;
    const others = byId.get(half);
    if (others === undefined) byId.set(half, [known]);
    else others.push(known);
    return known;
  };

  return {
    of,
    read(wire) {
      const half = wire?.name?.nameId?.id1;
      if (wire !== undefined && half !== undefined) {
        for (const known of byId.get(half) ?? []) if (sameWire(known.wire, wire)) return known;
      }
      return of(decodeSlimName(wire));
    },
  };
}

function sameWire(a: Name, b: Name): boolean {
  const { name: x, strName: s } = a;
  const { name: y, strName: t } = b;
  return (
    x !== undefined &&
    y !== undefined &&
    s !== undefined &&
    t !== undefined &&
    x.nameId?.id1 === y.nameId?.id1 &&
    x.nameId?.id0 === y.nameId?.id0 &&
    x.component0 === y.component0 &&
    x.component1 === y.component1 &&
    x.component2 === y.component2 &&
    s.strComponent0 === t.strComponent0 &&
    s.strComponent1 === t.strComponent1 &&
    s.strComponent2 === t.strComponent2
  );
}
