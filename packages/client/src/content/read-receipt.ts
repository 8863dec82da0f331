import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";

/** Says that its sender has read everything up to it. Holds nothing. */
export type ReadReceipt = Readonly<Record<string, never>>;

export const readReceiptCodec: ContentCodec<ReadReceipt> = {
  contentType: contentTypes.readReceipt,
  encode: () => ({ type: contentTypes.readReceipt, parameters: {}, content: new Uint8Array(0) }),
  decode: () => ({}),
  shouldPush: () => false,
};
