import { EncodedContent as WireContent } from "@coterie/wire";
import type { ContentTypeId } from "@coterie/wire";
import { ClientError } from "../errors.ts";

/** Content of a message as codecs write and read it. */
export interface EncodedContent {
  readonly type?: ContentTypeId | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  /** Words for readers that do not know the type. */
  readonly fallback?: string | undefined;
  readonly content: Uint8Array;
  /** 0 deflate, 1 gzip: read, never written (XMS-08). */
  readonly compression?: number | undefined;
}

/** Content with its parameters as an object or, as decoded from the wire, as a map. */
export type AnyEncodedContent = EncodedContent | WireContent;

export function toWireContent(content: AnyEncodedContent): WireContent {
  const { parameters } = content;
  const map =
    parameters instanceof Map
      ? (parameters as ReadonlyMap<string, string>)
      : new Map(Object.entries(parameters ?? {}));
  return { ...content, parameters: map };
}

export function fromWireContent(content: WireContent): EncodedContent {
  // Own properties whatever their names: `fromEntries` never meets a setter.
  return { ...content, parameters: Object.fromEntries(content.parameters) };
}

/** The bytes of content. Parameters are written in the order given. */
export function encodeContent(content: AnyEncodedContent): Uint8Array {
  return WireContent.encode(toWireContent(content));
}

/** Reads what {@link encodeContent} wrote. Throws `client/bad-content`. */
export function decodeContent(bytes: Uint8Array): EncodedContent {
  try {
    return fromWireContent(WireContent.decode(bytes));
  } catch (cause) {
    throw new ClientError("client/bad-content", { size: bytes.length }, { cause });
  }
}

/** `authority/type:major.minor`. */
export function contentTypeToString(type: ContentTypeId): string {
  return `${type.authorityId}/${type.typeId}:${type.versionMajor}.${type.versionMinor}`;
}

/** Reads what {@link contentTypeToString} wrote. Throws `client/bad-content`. */
export function contentTypeFromString(text: string): ContentTypeId {
  const match = /^([^/]+)\/([^:]+):(\d{1,9})\.(\d{1,9})$/.exec(text);
  if (!match) throw new ClientError("client/bad-content", { what: "content type" });
  const [, authorityId, typeId, versionMajor, versionMinor] = match as unknown as string[];
  return {
    authorityId: authorityId as string,
    typeId: typeId as string,
    versionMajor: Number(versionMajor),
    versionMinor: Number(versionMinor),
  };
}

export function contentTypesAreEqual(a: ContentTypeId, b: ContentTypeId): boolean {
  return (
    a.authorityId === b.authorityId &&
    a.typeId === b.typeId &&
    a.versionMajor === b.versionMajor &&
    a.versionMinor === b.versionMinor
  );
}
