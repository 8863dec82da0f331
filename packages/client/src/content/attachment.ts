import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { optionalParameter, parameter, present } from "./read.ts";

/** A small file inside a message; larger ones go by a remote attachment. */
export interface Attachment {
  readonly filename?: string | undefined;
  readonly mimeType: string;
  readonly content: Uint8Array;
}

export const attachmentCodec: ContentCodec<Attachment> = {
  contentType: contentTypes.attachment,
  encode: ({ filename, mimeType, content }) => ({
    type: contentTypes.attachment,
    parameters: present({ mimeType, filename }) as Record<string, string>,
    fallback: `Can't display ${filename ?? "this content"}. This app doesn't support attachments.`,
    content,
  }),
  decode: (content) =>
    present({
      filename: optionalParameter(content.parameters, "filename"),
      mimeType: parameter(content, "mimeType"),
      content: content.content,
    }),
};
