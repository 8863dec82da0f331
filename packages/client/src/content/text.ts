import { toUtf8 } from "@coterie/base";
import type { ContentTypeId } from "@coterie/wire";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { badContent, optionalParameter, readText } from "./read.ts";

function codecOf(contentType: ContentTypeId): ContentCodec<string> {
  return {
    contentType,
    // No fallback: whoever cannot show a text can show nothing.
    encode: (value) => ({
      type: contentType,
      parameters: { encoding: "UTF-8" },
      content: toUtf8(value),
    }),
    decode(content) {
      const encoding = optionalParameter(content.parameters, "encoding");
      if (encoding !== undefined && encoding.toUpperCase() !== "UTF-8") {
        throw badContent("encoding");
      }
      return readText(content.content);
    },
  };
}

export const textCodec: ContentCodec<string> = codecOf(contentTypes.text);
export const markdownCodec: ContentCodec<string> = codecOf(contentTypes.markdown);
