import { ReactionV2 } from "@coterie/wire";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import type { EncodedContent } from "./encoded-content.ts";
import { badContent, optionalText, readJson, text } from "./read.ts";

export const ReactionAction = { Unknown: 0, Added: 1, Removed: 2 } as const;
export type ReactionAction = (typeof ReactionAction)[keyof typeof ReactionAction];

/** What `content` of a reaction is: an emoji, a name such as `:wave:`, or something of the app's own. */
export const ReactionSchema = { Unknown: 0, Unicode: 1, Shortcode: 2, Custom: 3 } as const;
export type ReactionSchema = (typeof ReactionSchema)[keyof typeof ReactionSchema];

export interface Reaction {
  /** Hex id of the message that it is about. */
  readonly reference: string;
  /** Its sender; empty where the writer did not say. */
  readonly referenceInboxId: string;
  readonly action: ReactionAction;
  readonly content: string;
  readonly schema: ReactionSchema;
}

function decodeReaction(content: EncodedContent): Reaction {
  try {
    const {
      reference,
      referenceInboxId,
      action,
      content: what,
      schema,
    } = ReactionV2.decode(content.content);
    return {
      reference,
      referenceInboxId,
      action: known(ReactionAction, action),
      content: what,
      schema: known(ReactionSchema, schema),
    };
  } catch (cause) {
    throw badContent("reaction", cause);
  }
}

/** Numbers of the future are read as Unknown. */
function known<T extends number>(of: Readonly<Record<string, T>>, value: number): T {
  return (Object.values(of) as number[]).includes(value) ? (value as T) : (0 as T);
}

export const reactionCodec: ContentCodec<Reaction> = {
  contentType: contentTypes.reaction,
  encode: (reaction) => ({
    type: contentTypes.reaction,
    parameters: {},
    fallback:
      reaction.action === ReactionAction.Removed
        ? `Removed "${reaction.content}" from an earlier message`
        : `Reacted with "${reaction.content}" to an earlier message`,
    content: ReactionV2.encode({ ...reaction, referenceInboxId: reaction.referenceInboxId ?? "" }),
  }),
  decode: decodeReaction,
  shouldPush: () => false,
};

const actions: Readonly<Record<string, ReactionAction>> = { added: 1, removed: 2 };
const schemas: Readonly<Record<string, ReactionSchema>> = { unicode: 1, shortcode: 2, custom: 3 };

/** Reactions of version 1, which are JSON. Read only. */
export const reactionV1Codec: ContentCodec<Reaction> = {
  contentType: { ...contentTypes.reaction, versionMajor: 1 },
  encode: reactionCodec.encode,
  decode(content) {
    const from = readJson(content);
    const action = text(from, "action");
    const schema = text(from, "schema");
    return {
      reference: text(from, "reference"),
      referenceInboxId: optionalText(from, "referenceInboxId") ?? "",
      action: (Object.hasOwn(actions, action) ? actions[action] : undefined) ?? 0,
      content: text(from, "content"),
      schema: (Object.hasOwn(schemas, schema) ? schemas[schema] : undefined) ?? 0,
    };
  },
  shouldPush: () => false,
};
