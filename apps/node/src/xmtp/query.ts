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
  const newest = await env.log.newestGroupMessages(groupIds, { content: includeContent });
  return GetNewestGroupMessageResponse.encode({
    responses: newest.map((message) =>
      message === undefined ? {} : { groupMessage: toWireMessage(message) },
    ),
  });
}
