import {
  GetNewestGroupMessageRequest,
  GetNewestGroupMessageResponse,
  QueryGroupMessagesRequest,
  QueryGroupMessagesResponse,
  QueryWelcomeMessagesRequest,
  QueryWelcomeMessagesResponse,
} from "@coterie/wire";
import { invalid } from "../errors.ts";
import { toPageQuery, toPagingInfo, toWireMessage, toWireWelcome } from "./convert.ts";
import type { NodeEnv } from "./env.ts";
import { gather } from "./gather.ts";

/** XND-37. */
export async function queryGroupMessages(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { groupId, pagingInfo } = QueryGroupMessagesRequest.decode(request);
  if (groupId.length === 0) throw invalid("XND-37", "an empty group id");
  const query = toPageQuery(groupId, pagingInfo, env.limits);
  const page = await env.log.groupMessages(query);
  return QueryGroupMessagesResponse.encode({
    messages: page.entries.map(toWireMessage),
    pagingInfo: toPagingInfo(query, page),
  });
}

/** XND-37. */
export async function queryWelcomeMessages(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { installationKey, pagingInfo } = QueryWelcomeMessagesRequest.decode(request);
  if (installationKey.length === 0) throw invalid("XND-37", "an empty installation key");
  const query = toPageQuery(installationKey, pagingInfo, env.limits);
  const page = await env.log.welcomes(query);
  return QueryWelcomeMessagesResponse.encode({
    messages: page.entries.map(toWireWelcome),
    pagingInfo: toPagingInfo(query, page),
  });
}

/** XND-40. */
export async function getNewestGroupMessage(
  env: NodeEnv,
  request: Uint8Array,
): Promise<Uint8Array> {
  const { groupIds, includeContent } = GetNewestGroupMessageRequest.decode(request);
  if (groupIds.length === 0) throw invalid("XND-40", "no group ids");
  const newest = await gather({
    keys: groupIds,
    limits: env.limits,
    read: (some) => env.log.newestGroupMessages(some, { content: includeContent }),
    sizeOf: (message) => 64 + (message?.data.length ?? 0),
    atOnce: includeContent ? 1 : 128,
  });
  return GetNewestGroupMessageResponse.encode({
    responses: newest.map((message) =>
      message === undefined ? {} : { groupMessage: toWireMessage(message) },
    ),
  });
}
