import { Status, StatusError } from "@coterie/transport";
import type { Routes, UnaryHandler } from "@coterie/transport";
import {
  paths,
  SubscribeGroupMessagesRequest,
  SubscribeWelcomeMessagesRequest,
} from "@coterie/wire";
import { invalid, NodeError } from "../errors.ts";
import type { GroupMessage, Welcome } from "../log/log.ts";
import { batchPublishCommitLog, batchQueryCommitLog } from "./commit-log.ts";
import { encodeMessage, encodeWelcome } from "./convert.ts";
import type { NodeEnv } from "./env.ts";
import { fetchKeyPackages, uploadKeyPackage } from "./key-packages.ts";
import { sendGroupMessages, sendWelcomeMessages } from "./publish.ts";
import { getNewestGroupMessage, queryGroupMessages, queryWelcomeMessages } from "./query.ts";
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
  const page = {
    direction: "ascending",
    limit: limits.pageEntries,
    maxBytes: limits.pageBytes,
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

  const checkTopics = (filters: readonly Filter[]): void => {
    if (filters.length > limits.subscriptionTopics) {
      throw new NodeError("node/too-many-topics", {
        disposition: "fix-caller",
        details: { limit: limits.subscriptionTopics, asked: filters.length },
      });
    }
  };
  // XND-04: clients wait for these headers before they publish
  const headers = { subscribed: "true" };
  const unary = (
    path: string,
    handle: (env: NodeEnv, request: Uint8Array) => Promise<Uint8Array>,
  ): [string, { kind: "unary"; handle: UnaryHandler }] => [
    path,
    { kind: "unary", handle: (request) => handle(env, request) },
  ];
  const retired = (path: string): [string, { kind: "unary"; handle: UnaryHandler }] => [
    path,
    {
      kind: "unary",
      handle: () => {
        throw new StatusError(Status.unimplemented, "this method is retired");
      },
    },
  ];

  const routes: Routes = new Map([
    unary(paths.mls.uploadKeyPackage, uploadKeyPackage),
    unary(paths.mls.fetchKeyPackages, fetchKeyPackages),
    unary(paths.mls.sendGroupMessages, sendGroupMessages),
    unary(paths.mls.sendWelcomeMessages, sendWelcomeMessages),
    unary(paths.mls.queryGroupMessages, queryGroupMessages),
    unary(paths.mls.queryWelcomeMessages, queryWelcomeMessages),
    unary(paths.mls.getNewestGroupMessage, getNewestGroupMessage),
    unary(paths.mls.batchPublishCommitLog, batchPublishCommitLog),
    unary(paths.mls.batchQueryCommitLog, batchQueryCommitLog),
    [
      paths.mls.subscribeGroupMessages,
      {
        kind: "server-stream",
        headers,
        // XND-38: no filters is a stream that stays silent
        handle: (request, context) => {
          const { filters } = SubscribeGroupMessagesRequest.decode(request);
          const asked = filters.map(({ groupId, idCursor }) => ({
            topic: groupId,
            after: idCursor,
          }));
          checkTopics(asked);
          return messages.subscribe(asked, context.signal);
        },
      },
    ],
    [
      paths.mls.subscribeWelcomeMessages,
      {
        kind: "server-stream",
        headers,
        handle: (request, context) => {
          const { filters } = SubscribeWelcomeMessagesRequest.decode(request);
          const asked = filters.map(({ installationKey, idCursor }) => ({
            topic: installationKey,
            after: idCursor,
          }));
          // XND-39
          if (asked.length === 0) throw invalid("XND-39", "no filters");
          if (asked.some(({ topic }) => topic.length === 0)) {
            throw invalid("XND-39", "an empty installation key");
          }
          checkTopics(asked);
          return welcomes.subscribe(asked, context.signal);
        },
      },
    ],
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
