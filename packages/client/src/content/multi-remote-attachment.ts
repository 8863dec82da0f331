import { MultiRemoteAttachment as Wire } from "@coterie/wire";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { badContent, present } from "./read.ts";
import type { RemoteAttachment } from "./remote-attachment.ts";

/** Several remote files in one message. */
export interface MultiRemoteAttachment {
  readonly attachments: readonly RemoteAttachment[];
}

export const multiRemoteAttachmentCodec: ContentCodec<MultiRemoteAttachment> = {
  contentType: contentTypes.multiRemoteAttachment,
  encode: (value) => ({
    type: contentTypes.multiRemoteAttachment,
    parameters: {},
    fallback: "Can't display this content. This app doesn't support multiple remote attachments.",
    content: Wire.encode(value),
  }),
  decode(content) {
    try {
      return { attachments: Wire.decode(content.content).attachments.map((file) => present(file)) };
    } catch (cause) {
      throw badContent("attachments", cause);
    }
  },
};
