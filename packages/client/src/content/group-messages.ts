import { DeleteMessage, GroupUpdated, LeaveRequest } from "@coterie/wire";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { badContent, isMessageId, present } from "./read.ts";

function read<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw badContent(what, cause);
  }
}

/** What a commit did. Written by this client for itself; as ordinary content it is only somebody's word. */
export const groupUpdatedCodec: ContentCodec<GroupUpdated> = {
  contentType: contentTypes.groupUpdated,
  encode: (value) => ({
    type: contentTypes.groupUpdated,
    parameters: {},
    content: GroupUpdated.encode(value),
  }),
  decode: ({ content }) => read("group_updated", () => GroupUpdated.decode(content)),
  shouldPush: () => false,
};

export const leaveRequestCodec: ContentCodec<LeaveRequest> = {
  contentType: contentTypes.leaveRequest,
  encode: (value) => ({
    type: contentTypes.leaveRequest,
    parameters: {},
    content: LeaveRequest.encode(value),
  }),
  decode: ({ content }) => read("leave_request", () => present(LeaveRequest.decode(content))),
  shouldPush: () => false,
};

/** XMS-09. */
export const deleteMessageCodec: ContentCodec<DeleteMessage> = {
  contentType: contentTypes.deleteMessage,
  encode(value) {
    if (!isMessageId(value.messageId)) throw badContent("messageId");
    return {
      type: contentTypes.deleteMessage,
      parameters: {},
      content: DeleteMessage.encode(value),
    };
  },
  decode({ content }) {
    const value = read("deleteMessage", () => DeleteMessage.decode(content));
    if (!isMessageId(value.messageId)) throw badContent("messageId");
    return value;
  },
  shouldPush: () => false,
};
