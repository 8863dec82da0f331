import { toUtf8 } from "@coterie/base";
import { WireError } from "../errors.ts";
import type { EncodedName, Name, StringName } from "../gen/slim/dataplane.ts";
import { xxh3 } from "./xxh3.ts";
import { xxh64 } from "./xxh64.ts";

/** A name of SLIM: organization, namespace and service, and one instance of it; without an id, any instance. */
export interface SlimName {
  readonly organization: string;
  readonly namespace: string;
  readonly service: string;
  /** 128 bits. Absent is NULL on the wire (SNM-02). */
  readonly id?: bigint | undefined;
}

const half = 64n;
const low64 = (1n << half) - 1n;
const nullId = (1n << 128n) - 1n;
/** Ids from here on are reserved (SNM-03). */
const firstReservedId = nullId - 50n;
const nullWord = "NULL_COMPONENT";

/** Reads `org/ns/service`, `org/ns/service/<uuid>` or `…/NULL_COMPONENT` (SNM-09); throws `wire/bad-name`. */
export function parseSlimName(text: string): SlimName {
  const parts = text.split("/").map((part) => part.trim());
  const [organization = "", namespace = "", service = "", id] = parts;
  if (parts.length < 3 || parts.length > 4) throw badName("parts");
  const name = slimName(organization, namespace, service);
  return id === undefined || id === nullWord ? name : { ...name, id: parseUuid(id) };
}

/** Checks the three components (SNM-11): 1 to 255 bytes of UTF-8, no slash, no white space at the ends. */
export function slimName(
  organization: string,
  namespace: string,
  service: string,
  id?: bigint,
): SlimName {
  for (const component of [organization, namespace, service]) {
    if (
      component.includes("/") ||
      component.trim() !== component ||
      /\p{Surrogate}/u.test(component)
    ) {
      throw badName("component");
    }
    const { length } = toUtf8(component);
    if (length < 1 || length > 255) throw badName("component-length");
  }
  if (id !== undefined && (id < 0n || id >= nullId)) throw badName("id");
  return { organization, namespace, service, id };
}

/** `org/ns/service/<uuid>`, or `…/NULL_COMPONENT` for any instance (SNM-09). */
export function formatSlimName(name: SlimName): string {
  const id = name.id === undefined ? nullWord : formatUuid(name.id);
  return `${name.organization}/${name.namespace}/${name.service}/${id}`;
}

/** `org/ns/service`: what people and the bindings read. */
export function formatSlimService(name: SlimName): string {
  return `${name.organization}/${name.namespace}/${name.service}`;
}

/** The name on the wire, with its strings (SNM-07) and with its id also when that is NULL (SNM-02). */
export function encodeSlimName(name: SlimName): Name {
  const id = name.id ?? nullId;
  return {
    name: {
      component0: hashComponent(name.organization),
      component1: hashComponent(name.namespace),
      component2: hashComponent(name.service),
      nameId: { id0: id >> half, id1: id & low64 },
    },
    strName: {
      strComponent0: name.organization,
      strComponent1: name.namespace,
      strComponent2: name.service,
    },
  };
}

/** The name that a peer wrote; throws `wire/missing-field` without its parts, `wire/bad-name` where hashes and strings disagree. */
export function decodeSlimName(name: Name | undefined): SlimName {
  const encoded = name?.name;
  const strings = name?.strName;
  if (encoded === undefined || strings === undefined) {
    throw new WireError("wire/missing-field", { field: "name" });
  }
  const decoded = slimName(
    strings.strComponent0,
    strings.strComponent1,
    strings.strComponent2,
    idOf(encoded),
  );
  if (!hashesAgree(encoded, strings)) throw badName("hash");
  return decoded;
}

/** SNM-08: the same instance, or the same "any instance". */
export function sameSlimName(a: SlimName, b: SlimName): boolean {
  return a.id === b.id && formatSlimService(a) === formatSlimService(b);
}

/** SNM-04: the instance id of an app, out of its token id. Released apps check nobody's (SNM-06); ours do, so that no other can take it. */
export function slimAppId(tokenId: string): bigint {
  return ordinaryAppId(digest(tokenId, 0n));
}

/** SNM-03, for apps. */
export function ordinaryAppId(id: bigint): bigint {
  return id >= firstReservedId ? id % firstReservedId : id;
}

/** SNM-05: ids of a channel's two names, out of its moderator's token id. Throws `wire/bad-name` in the end that never comes. */
export function slimChannelIds(
  moderatorTokenId: string,
  channel: SlimName,
): { readonly data: bigint; readonly control: bigint } {
  const base = `${moderatorTokenId}/${formatSlimService(channel)}`;
  for (let seed = 0n; seed <= 10n; seed += 1n) {
    const data = ordinaryChannelId(digest(`${base}/data`, seed));
    const control = ordinaryChannelId(digest(`${base}/control`, seed));
    if (data !== control) return { data, control };
  }
  throw badName("channel");
}

/** SNM-03, for generated channel ids. */
export function ordinaryChannelId(id: bigint): bigint {
  return id >= firstReservedId ? (id % (firstReservedId - 1n)) + 1n : id;
}

function digest(text: string, seed: bigint): bigint {
  const { high, low } = xxh3(toUtf8(text), seed);
  return (high << half) | low;
}

/** SNM-01. Few components are ever seen, so they are hashed once; strangers cannot make the map grow without end. */
const hashes = new Map<string, bigint>();
const rememberedHashes = 4096;

function hashComponent(component: string): bigint {
  const known = hashes.get(component);
  if (known !== undefined) return known;
  const bytes = toUtf8(component);
  const input = new Uint8Array(bytes.length + 1);
  input.set(bytes);
  input[bytes.length] = 0xff;
  const hash = xxh64(input);
  if (hashes.size >= rememberedHashes) hashes.clear();
  hashes.set(component, hash);
  return hash;
}

function hashesAgree(encoded: EncodedName, strings: StringName): boolean {
  return (
    encoded.component0 === hashComponent(strings.strComponent0) &&
    encoded.component1 === hashComponent(strings.strComponent1) &&
    encoded.component2 === hashComponent(strings.strComponent2)
  );
}

function idOf({ nameId }: EncodedName): bigint | undefined {
  if (nameId === undefined) return undefined;
  const id = (nameId.id0 << half) | nameId.id1;
  return id === nullId ? undefined : id;
}

function parseUuid(text: string): bigint {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw badName("id");
  const id = BigInt(`0x${text.replaceAll("-", "")}`);
  if (id === nullId) throw badName("id");
  return id;
}

function formatUuid(id: bigint): string {
  const hex = id.toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function badName(reason: string): WireError {
  return new WireError("wire/bad-name", { reason });
}
