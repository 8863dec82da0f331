import type { ContentTypeId } from "@coterie/wire";
import type { EncodedContent } from "./encoded-content.ts";

/** Turns values of one content type into bytes and back. Apps pass their own as the option `codecs`. */
export interface ContentCodec<T = unknown> {
  readonly contentType: ContentTypeId;
  encode(value: T): EncodedContent;
  /** Content is untrusted: throw for what is not of this type, and the message shows its fallback. */
  decode(content: EncodedContent): T;
  /** Words for readers without this codec; used where `encode` gives none. */
  fallback?(value: T): string | undefined;
  /** Whether a message of this value should wake its readers; default yes (XMS-07). */
  shouldPush?(value: T): boolean;
}
