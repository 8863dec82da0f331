import type { Routes } from "@coterie/transport";
import {
  paths,
  SubscribeGroupMessagesRequest,
  SubscribeWelcomeMessagesRequest,
} from "@coterie/wire";
import { invalid, tooLarge } from "../errors.ts";
import type { NodeLimits } from "../limits.ts";
import type { GroupMessage, Welcome } from "../log/log.ts";
import { batchPublishCommitLog, batchQueryCommitLog } from "./commit-log.ts";
import { encodeMessage, encodeWelcome } from "./convert.ts";
import type { NodeEnv } from "./env.ts";
import { fetchKeyPackages, uploadKeyPackage } from "./key-packages.ts";
import { sendGroupMessages, sendWelcomeMessages } from "./publish.ts";
import { getNewestGroupMessage, queryGroupMessages, queryWelcomeMessages } from "./query.ts";
import { retired, subscription, unary } from "./routes.ts";
import type { Route } from "./routes.ts";
import { createHub } from "./subscriptions.ts";
import type { Filter } from "./subscriptions.ts";

export interface MlsApi {
  readonly routes: Routes;
  /** Open subscriptions, for metrics. */
  subscribers(): number;
  /** Ends all subscriptions with UNAVAILABLE. */
  close(): void;
}

/** `xmtp.mls.api.v1.MlsApi` over a log. */
export function createMlsApi(env: NodeEnv): MlsApi {
  const { log, limits } = env;
  const { mls } = paths;
  const page = {
    direction: "ascending",
    limit: limits.pageEntries,
    maxBytes: limits.streamPageBytes,
  } as const;
  const messages = createHub<GroupMessage>({
    ...limits,
    topicOf: ({ groupId }) => groupId,
    encode: encodeMessage,
    read: (topic, cursor) => log.groupMessages({ ...page, topic, cursor }),
  });
  const welcomes = createHub<Welcome>({
    ...limits,
    topicOf: ({ installationKey }) => installationKey,
    encode: encodeWelcome,
    read: (topic, cursor) => log.welcomes({ ...page, topic, cursor }),
  });
  const stopWatching = log.watch({
    groupMessages: (entries) => messages.publish(entries),
    welcomes: (entries) => welcomes.publish(entries),
  });

  const routes: Routes = new Map<string, Route>([
    unary(mls.uploadKeyPackage, (request) => uploadKeyPackage(env, request)),
    unary(mls.fetchKeyPackages, (request) => fetchKeyPackages(env, request)),
    unary(mls.sendGroupMessages, (request) => sendGroupMessages(env, request)),
    unary(mls.sendWelcomeMessages, (request) => sendWelcomeMessages(env, request)),
    unary(mls.queryGroupMessages, (request) => queryGroupMessages(env, request)),
    unary(mls.queryWelcomeMessages, (request) => queryWelcomeMessages(env, request)),
    unary(mls.getNewestGroupMessage, (request) => getNewestGroupMessage(env, request)),
    unary(mls.batchPublishCommitLog, (request) => batchPublishCommitLog(env, request)),
    unary(mls.batchQueryCommitLog, (request) => batchQueryCommitLog(env, request)),
    subscription(mls.subscribeGroupMessages, (request, { signal }) => {
      const filters = SubscribeGroupMessagesRequest.decode(request).filters.map(
        ({ groupId, idCursor }) => ({ topic: groupId, after: idCursor }),
      );
      // XND-38: no filters is a stream that stays silent
      checkCount(filters, limits);
      return messages.subscribe(filters, signal);
    }),
    subscription(mls.subscribeWelcomeMessages, (request, { signal }) => {
      const filters = SubscribeWelcomeMessagesRequest.decode(request).filters.map(
        ({ installationKey, idCursor }) => ({ topic: installationKey, after: idCursor }),
      );
      if (filters.length === 0) throw invalid("XND-39", "no filters");
      if (filters.some(({ topic }) => topic.length === 0)) {
        throw invalid("XND-39", "an empty installation key");
      }
      checkCount(filters, limits);
      return welcomes.subscribe(filters, signal);
    }),
    ...Object.values(paths.retired).map(retired),
  ]);

  return {
    routes,
    subscribers: () => messages.subscribers + welcomes.subscribers,
    close() {
      stopWatching();
      messages.close();
      welcomes.close();
    },
  };
}

function checkCount(filters: readonly Filter[], limits: NodeLimits): void {
  const limit = limits.subscriptionTopics;
  if (filters.length > limit) throw tooLarge("topics", limit, filters.length);
}
