import { contentTypes, isContentType } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { contentTypeToString, decodeContent, encodeContent } from "./encoded-content.ts";
import type { EncodedContent } from "./encoded-content.ts";
import { badContent, optionalParameter, parameter, present, readText } from "./read.ts";

/** An answer to a message, of any content type. */
export interface Reply {
  readonly content: EncodedContent;
  /** Hex id of the message that is answered. */
  readonly reference: string;
  readonly referenceInboxId?: string | undefined;
}

function fallbackOf({ content }: Reply): string {
  return isContentType(content.type, contentTypes.text)
    ? `Replied with "${readText(content.content)}" to an earlier message`
    : "Replied to an earlier message";
}

export const replyCodec: ContentCodec<Reply> = {
  contentType: contentTypes.reply,
  encode(reply) {
    const { type } = reply.content;
    if (!type) throw badContent("type");
    return {
      type: contentTypes.reply,
      parameters: present({
        reference: reply.reference,
        contentType: contentTypeToString(type),
        referenceInboxId: reply.referenceInboxId,
      }) as Record<string, string>,
      fallback: fallbackOf(reply),
      content: encodeContent(reply.content),
    };
  },
  // The inner content says its own type; the parameter is for those who only peek.
  decode: (content) =>
    present({
      content: decodeContent(content.content),
      reference: parameter(content, "reference"),
      referenceInboxId: optionalParameter(content.parameters, "referenceInboxId"),
    }),
};
