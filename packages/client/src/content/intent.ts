import { toUtf8 } from "@coterie/base";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { asObject, badContent, present, readJson, text } from "./read.ts";
import type { JsonObject } from "./read.ts";

/** The choice of one of the actions of an earlier message. */
export interface Intent {
  /** Id of the actions. */
  readonly id: string;
  readonly actionId: string;
  /** Anything that JSON holds, at most 10 KiB of it. */
  readonly metadata?: JsonObject | undefined;
}

const maxMetadataBytes = 10_240;

function check(metadata: JsonObject | undefined): JsonObject | undefined {
  if (metadata !== undefined && toUtf8(JSON.stringify(metadata)).length > maxMetadataBytes) {
    throw badContent("metadata");
  }
  return metadata;
}

export const intentCodec: ContentCodec<Intent> = {
  contentType: contentTypes.intent,
  encode: ({ id, actionId, metadata }) => ({
    type: contentTypes.intent,
    parameters: {},
    fallback: `User selected action: ${actionId}`,
    content: toUtf8(JSON.stringify({ id, actionId, metadata: check(metadata) })),
  }),
  decode(content) {
    const from = readJson(content);
    const { metadata } = from;
    return present({
      id: text(from, "id"),
      actionId: text(from, "actionId"),
      metadata:
        metadata === undefined || metadata === null
          ? undefined
          : check(asObject(metadata, "metadata")),
    });
  },
};
