import { type GroupId, idBytes, type InstallationId, toHex } from "@coterie/base";
import { WireError } from "./errors.ts";

/** gRPC method paths (specification 2.2, 2.3; XND-44). */
export const paths = {
  identity: {
    publishIdentityUpdate: "/xmtp.identity.api.v1.IdentityApi/PublishIdentityUpdate",
    getIdentityUpdates: "/xmtp.identity.api.v1.IdentityApi/GetIdentityUpdates",
    getInboxIds: "/xmtp.identity.api.v1.IdentityApi/GetInboxIds",
    verifySmartContractWalletSignatures:
      "/xmtp.identity.api.v1.IdentityApi/VerifySmartContractWalletSignatures",
  },
  mls: {
    uploadKeyPackage: "/xmtp.mls.api.v1.MlsApi/UploadKeyPackage",
    fetchKeyPackages: "/xmtp.mls.api.v1.MlsApi/FetchKeyPackages",
    sendGroupMessages: "/xmtp.mls.api.v1.MlsApi/SendGroupMessages",
    sendWelcomeMessages: "/xmtp.mls.api.v1.MlsApi/SendWelcomeMessages",
    queryGroupMessages: "/xmtp.mls.api.v1.MlsApi/QueryGroupMessages",
    queryWelcomeMessages: "/xmtp.mls.api.v1.MlsApi/QueryWelcomeMessages",
    subscribeGroupMessages: "/xmtp.mls.api.v1.MlsApi/SubscribeGroupMessages",
    subscribeWelcomeMessages: "/xmtp.mls.api.v1.MlsApi/SubscribeWelcomeMessages",
    batchPublishCommitLog: "/xmtp.mls.api.v1.MlsApi/BatchPublishCommitLog",
    batchQueryCommitLog: "/xmtp.mls.api.v1.MlsApi/BatchQueryCommitLog",
    getNewestGroupMessage: "/xmtp.mls.api.v1.MlsApi/GetNewestGroupMessage",
  },
  /** Answered with UNIMPLEMENTED, like every unknown path. */
  retired: {
    registerInstallation: "/xmtp.mls.api.v1.MlsApi/RegisterInstallation",
    revokeInstallation: "/xmtp.mls.api.v1.MlsApi/RevokeInstallation",
    getIdentityUpdates: "/xmtp.mls.api.v1.MlsApi/GetIdentityUpdates",
  },
  health: { check: "/grpc.health.v1.Health/Check" },
} as const;

/** What a push topic stands for. */
export type Topic =
  | { readonly kind: "group"; readonly id: GroupId }
  | { readonly kind: "welcome"; readonly id: InstallationId };

/** XPU-06: `/xmtp/mls/1/g-<group id hex>/proto`. */
export function groupTopic(group: GroupId): string {
  return `/xmtp/mls/1/g-${toHex(idBytes(group))}/proto`;
}

/** XPU-06: `/xmtp/mls/1/w-<installation id hex>/proto`. */
export function welcomeTopic(installation: InstallationId): string {
  return `/xmtp/mls/1/w-${toHex(idBytes(installation))}/proto`;
}

/** Reads a topic; throws `wire/bad-topic` on any other text. */
export function parseTopic(topic: string): Topic {
  const match = /^\/xmtp\/mls\/1\/([gw])-((?:[0-9a-f]{2})+)\/proto$/.exec(topic);
  const id = match?.[2];
  if (match === null || id === undefined) throw new WireError("wire/bad-topic");
  if (match[1] === "g") return { kind: "group", id: id as GroupId };
  if (id.length !== 64) throw new WireError("wire/bad-topic");
  return { kind: "welcome", id: id as InstallationId };
}
