import { EncodedContent, ReactionV2 } from "@coterie/wire";
import type { ContentTypeId } from "@coterie/wire";
import { contentTypes, isContentType } from "../engine/content.ts";
import { fromWireContent } from "./encoded-content.ts";
import { reactionV1Codec } from "./reaction.ts";
import { isMessageId } from "./read.ts";

/** A message that hangs on another one. */
export interface Reference {
  readonly kind: "reaction" | "reply";
  /** Hex id of the other one. */
  readonly target: string;
}

/** What a message refers to, out of its encoded content. Undefined for other types and for content that cannot be read. */
export function referenceOf(
  type: ContentTypeId | undefined,
  content: Uint8Array,
): Reference | undefined {
  const reaction = isContentType(type, contentTypes.reaction);
  if (!reaction && !isContentType(type, contentTypes.reply)) return undefined;
  try {
    const encoded = EncodedContent.decode(content);
    const target = reaction
      ? type?.versionMajor === 1
        ? reactionV1Codec.decode(fromWireContent(encoded)).reference
        : ReactionV2.decode(encoded.content).reference
      : (encoded.parameters.get("reference") ?? "");
    return isMessageId(target) ? { kind: reaction ? "reaction" : "reply", target } : undefined;
  } catch {
    return undefined;
  }
}
