import { formatSlimName, formatSlimService, parseSlimName, slimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { badArgument } from "./translate.ts";

/** What stands for a name wherever one is asked for. */
export interface NameLike {
  components(): string[];
  /** A UUID, or `NULL_COMPONENT` for any instance (SNM-09). */
  id(): string;
}

/** A name of SLIM: organization, namespace and app, and one instance of it or any. Never changes. */
export class Name implements NameLike {
  /** The same name as the packages below have it. */
  readonly slim: SlimName;

  /** Any instance of `organization/namespace/app`, or the one with this id of 128 bits. Throws `session/bad-argument` (SNM-11). */
  constructor(organization: string, namespace: string, app: string, id?: bigint) {
    this.slim = badArgument("name", () => slimName(organization, namespace, app, id));
  }

  /** Reads `org/ns/app`, or with a UUID behind it one instance (SNM-09). */
  static fromString(text: string): Name {
    return Name.of(badArgument("name", () => parseSlimName(text)));
  }

  static newWithId(organization: string, namespace: string, app: string, id: string): Name {
    return Name.fromString(`${organization}/${namespace}/${app}/${id}`);
  }

  /** Of a name that was checked before. */
  static of(slim: SlimName): Name {
    return Object.assign(Object.create(Name.prototype) as Name, { slim });
  }

  components(): string[] {
    return [this.slim.organization, this.slim.namespace, this.slim.service];
  }

  id(): string {
    return formatSlimName(this.slim).slice(formatSlimService(this.slim).length + 1);
  }

  /** Without the id, as the bindings print names. */
  toString(): string {
    return formatSlimService(this.slim);
  }

  /** With the id. */
  toDebugString(): string {
    return formatSlimName(this.slim);
  }

  equals(other: NameLike): boolean {
    return other.id() === this.id() && other.components().join("/") === this.toString();
  }

  static instanceOf(value: unknown): value is Name {
    return value instanceof Name;
  }
}

/** A name from whatever stands for one. */
export function slimNameOf(name: NameLike): SlimName {
  if (name instanceof Name) return name.slim;
  const [organization = "", namespace = "", app = ""] = name.components();
  return Name.newWithId(organization, namespace, app, name.id()).slim;
}
