// The independent path: protobufjs reflection over the same .proto files, and values drawn from its description of them.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import * as wire from "../src/index.ts";
import * as channelManager from "../src/slim/channel-manager.ts";
import * as controller from "../src/slim/controller.ts";
import * as controlplane from "../src/slim/controlplane.ts";
import * as slim from "../src/slim/index.ts";
import type { Codec } from "../src/index.ts";

const Long = protobuf.util.Long as unknown as {
  fromString(text: string, unsigned: boolean): unknown;
  isLong(value: unknown): boolean;
};

const protoDir = fileURLToPath(new URL("../proto", import.meta.url));

export function loadSchemas(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(protoDir, target.replace(`${protoDir}/`, ""));
  const files = readdirSync(protoDir, { recursive: true, encoding: "utf8" });
  root.loadSync(
    files.filter((name) => name.endsWith(".proto")).map((name) => name.replaceAll("\\", "/")),
    { keepCase: true },
  );
  root.resolveAll();
  return root;
}

/** All codecs of all lobbies. */
export function allCodecs(): Codec<unknown>[] {
  return ([wire, slim, controller, controlplane, channelManager] as object[])
    .flatMap((lobby): unknown[] => Object.values(lobby))
    .filter(
      (value): value is Codec<unknown> =>
        typeof value === "object" && value !== null && "decode" in value && "write" in value,
    )
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const camel = (name: string): string =>
  name.toLowerCase().replaceAll(/_+([a-z0-9])/g, (_, c: string) => c.toUpperCase());

/** Objects put keys that look like numbers first; reflection keeps maps in objects. */
const mapKey = fc.string({ maxLength: 8 }).map((key) => `k${key}`);

interface Pair {
  /** For our codec. */
  ours: unknown;
  /** For reflection: plain object with 64-bit numbers as Long. */
  theirs: unknown;
}

const bits64 = (signed: boolean): fc.Arbitrary<Pair> =>
  (signed
    ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    : fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  ).map((value) => ({
    ours: value,
    theirs: Long.fromString(value.toString(), !signed),
  }));

const same = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Pair> =>
  arbitrary.map((value) => ({ ours: value, theirs: value }));

function scalar(type: string): fc.Arbitrary<Pair> {
  switch (type) {
    case "string":
      return same(fc.string({ unit: "grapheme", maxLength: 12 }));
    case "bytes":
      return same(fc.uint8Array({ maxLength: 300 }));
    case "bool":
      return same(fc.boolean());
    case "uint32":
      return same(fc.nat({ max: 2 ** 32 - 1 }));
    case "int32":
      return same(fc.integer());
    case "uint64":
      return bits64(false);
    case "int64":
      return bits64(true);
    default:
      throw new Error(type);
  }
}

function single(field: protobuf.FieldBase, depth: number): fc.Arbitrary<Pair> {
  if (field.resolvedType instanceof protobuf.Type) return valueOf(field.resolvedType, depth - 1);
  if (field.resolvedType instanceof protobuf.Enum) return same(fc.integer({ min: -3, max: 9 }));
  return scalar(field.type);
}

/** Values of one message type, for both codecs at once. */
export function valueOf(type: protobuf.Type, depth = 4): fc.Arbitrary<Pair> {
  const oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
  const free = type.fieldsArray.filter(
    (field) => field.partOf === null || !oneofs.includes(field.partOf),
  );
  const parts: fc.Arbitrary<{ ours: object; theirs: object }>[] = [];
  for (const field of free) {
    const name = camel(field.name);
    const deep = field.resolvedType instanceof protobuf.Type && depth <= 0;
    const both = ({ ours, theirs }: Pair) => ({
      ours: { [name]: ours },
      theirs: { [field.name]: theirs },
    });
    if (field.map) {
      parts.push(
        fc
          .array(fc.tuple(mapKey, single(field, depth)), {
            maxLength: deep ? 0 : 3,
          })
          .map((entries) => new Map(entries))
          .map((entries) => ({
            ours: { [name]: new Map([...entries].map(([key, value]) => [key, value.ours])) },
            theirs: { [field.name]: entries },
          })),
      );
    } else if (field.repeated) {
      parts.push(
        fc
          .array(single(field, depth), { maxLength: deep ? 0 : 3 })
          .map((values) =>
            both({ ours: values.map((v) => v.ours), theirs: values.map((v) => v.theirs) }),
          ),
      );
    } else if (field.options?.["(required)"] === true) {
      parts.push(single(field, depth).map(both));
    } else if (field.options?.["proto3_optional"] || field.resolvedType instanceof protobuf.Type) {
      const absent = { ours: {}, theirs: {} };
      parts.push(
        deep
          ? fc.constant(absent)
          : fc
              .option(single(field, depth), { nil: undefined })
              .map((value) => (value === undefined ? absent : both(value))),
      );
    } else parts.push(single(field, depth).map(both));
  }
  const unions = oneofs.map((oneof) => {
    const members = oneof.fieldsArray.filter(
      (field) => depth > 0 || !(field.resolvedType instanceof protobuf.Type),
    );
    return fc
      .oneof(
        fc.constant({ ours: { kind: "unset" } as object, theirs: {} as object }),
        ...members.map((field) =>
          single(field, depth).map((value) => ({
            ours: { kind: camel(field.name), value: value.ours } as object,
            theirs: { [field.name]: value.theirs } as object,
          })),
        ),
      )
      .map((value) =>
        free.length === 0 && oneofs.length === 1
          ? value
          : { ours: { [camel(oneof.name)]: value.ours }, theirs: value.theirs },
      );
  });
  return fc.tuple(...parts, ...unions).map((pieces) => ({
    ours: Object.assign({}, ...pieces.map((piece) => piece.ours)),
    theirs: Object.assign({}, ...pieces.map((piece) => piece.theirs)),
  }));
}

/** Bytes of the other side's value by reflection. Maps hold pairs, and numbers that proto3 leaves off are left off. */
export function reflectEncode(type: protobuf.Type, theirs: unknown): Uint8Array {
  return type.encode(type.create(plain(type, theirs))).finish();
}

function plain(type: protobuf.Type, value: unknown): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value as object)) {
    const field = type.fields[key];
    if (field === undefined) throw new Error(key);
    const of = field.resolvedType;
    const convert = (x: unknown): unknown => (of instanceof protobuf.Type ? plain(of, x) : x);
    const explicit =
      field.partOf !== null || field.repeated || field.map || of instanceof protobuf.Type;
    if (field.map) {
      out[key] = Object.fromEntries(
        [...(part as Map<string, Pair>)].map(([k, v]) => [k, convert(v.theirs)]),
      );
    } else if (field.repeated) out[key] = (part as unknown[]).map(convert);
    else if (explicit || !isZero(part)) out[key] = convert(part);
  }
  return out;
}

function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  if (Long.isLong(value)) return (value as { isZero(): boolean }).isZero();
  return value === "" || value === 0 || value === false;
}
