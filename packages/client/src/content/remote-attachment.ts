import { toHex, toUtf8 } from "@coterie/base";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import {
  badContent,
  hexParameter,
  optionalParameter,
  parameter,
  present,
  readText,
} from "./read.ts";

/** A file that lies encrypted at an address, with what opens it. Whoever fetches it reveals that to its host. */
export interface RemoteAttachment {
  readonly url: string;
  /** Hex SHA-256 of the encrypted bytes. */
  readonly contentDigest: string;
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  /** Such as `https`. */
  readonly scheme: string;
  /** Size of the encrypted bytes. */
  readonly contentLength?: number | undefined;
  readonly filename?: string | undefined;
}

function lengthOf(parameters: Readonly<Record<string, string>>): number | undefined {
  const value = optionalParameter(parameters, "contentLength");
  if (value === undefined) return undefined;
  if (!/^\d{1,10}$/.test(value)) throw badContent("contentLength");
  return Number(value);
}

export const remoteAttachmentCodec: ContentCodec<RemoteAttachment> = {
  contentType: contentTypes.remoteAttachment,
  encode: (file) => ({
    type: contentTypes.remoteAttachment,
    parameters: present({
      contentDigest: file.contentDigest,
      salt: toHex(file.salt),
      nonce: toHex(file.nonce),
      secret: toHex(file.secret),
      scheme: file.scheme,
      contentLength: file.contentLength?.toString(),
      filename: file.filename,
    }) as Record<string, string>,
    fallback: `Can't display ${file.filename ?? "this content"}. This app doesn't support remote attachments.`,
    content: toUtf8(file.url),
  }),
  decode: (content) =>
    present({
      url: readText(content.content, "url"),
      contentDigest: parameter(content, "contentDigest"),
      secret: hexParameter(content, "secret"),
      salt: hexParameter(content, "salt"),
      nonce: hexParameter(content, "nonce"),
      scheme: parameter(content, "scheme"),
      contentLength: lengthOf(content.parameters),
      filename: optionalParameter(content.parameters, "filename"),
    }),
};
