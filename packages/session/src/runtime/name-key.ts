import type { Name } from "@coterie/wire/slim";

/** The instance that a name on the wire stands for, as text to look it up by. */
export function nameKey(name: Name | undefined): string {
  const id = name?.name?.nameId;
  return `${serviceKey(name)}/${id?.id0 ?? ""}/${id?.id1 ?? ""}`;
}

/** Its three components. */
export function serviceKey(name: Name | undefined): string {
  const strings = name?.strName;
  return `${strings?.strComponent0}/${strings?.strComponent1}/${strings?.strComponent2}`;
}

const nullHalf = 2n ** 64n - 1n;

/** SNM-02: any instance. */
export function isAnyInstance(name: Name | undefined): boolean {
  const id = name?.name?.nameId;
  return id === undefined || (id.id0 === nullHalf && id.id1 === nullHalf);
}
