import { fromHex, toHex } from "@coterie/base";
import type { IncomingStream, Transport } from "@coterie/transport";
import {
  BatchPublishCommitLogRequest,
  BatchQueryCommitLogRequest,
  BatchQueryCommitLogResponse,
  Empty,
  FetchKeyPackagesRequest,
  FetchKeyPackagesResponse,
  GetIdentityUpdatesRequest,
  GetIdentityUpdatesResponse,
  GetInboxIdsRequest,
  GetInboxIdsResponse,
  GetNewestGroupMessageRequest,
  GetNewestGroupMessageResponse,
  PublishIdentityUpdateRequest,
  QueryGroupMessagesRequest,
  QueryGroupMessagesResponse,
  QueryWelcomeMessagesRequest,
  QueryWelcomeMessagesResponse,
  SendGroupMessagesRequest,
  SendWelcomeMessagesRequest,
  SortDirection,
  SubscribeGroupMessagesRequest,
  SubscribeWelcomeMessagesRequest,
  UploadKeyPackageRequest,
  VerifySmartContractWalletSignaturesRequest,
  VerifySmartContractWalletSignaturesResponse,
  paths,
} from "@coterie/wire";
import type {
  Codec,
  CommitLogEntry,
  GetIdentityUpdatesResponseIdentityUpdateLog,
  GroupMessage,
  GroupMessageInputV1,
  GroupMessageV1,
  IdentityUpdate,
  PagingInfo,
  VerifySmartContractWalletSignatureRequestSignature,
  VerifySmartContractWalletSignaturesResponseValidationResponse,
  WelcomeMessage,
  WelcomeMessageInput,
} from "@coterie/wire";
import type { SignedLogRow } from "./engine/commit-log.ts";
import { limits } from "./engine/limits.ts";

export interface NewestMessage {
  readonly sequenceId: bigint;
  readonly createdNs: bigint;
  /** A hint from the node, good for choosing what to sync and for nothing else. */
  readonly isCommit: boolean;
}

interface ApiPage<T> {
  readonly messages: readonly T[];
  /** The node ended the page, by number or by size: there may be more (XND-37). */
  readonly full: boolean;
}

/** The node's methods with their messages (§2.2, §2.3). Failures are TransportErrors. */
export interface Api {
  getInboxIds(
    identifiers: readonly { readonly identifier: string; readonly kind: number }[],
  ): Promise<(string | undefined)[]>;
  /** Updates after each cursor, by inbox. */
  getIdentityUpdates(
    requests: readonly { readonly inboxId: string; readonly sequenceId: bigint }[],
  ): Promise<ReadonlyMap<string, readonly GetIdentityUpdatesResponseIdentityUpdateLog[]>>;
  publishIdentityUpdate(update: IdentityUpdate): Promise<void>;
  verifyContractSignatures(
    signatures: readonly VerifySmartContractWalletSignatureRequestSignature[],
  ): Promise<readonly VerifySmartContractWalletSignaturesResponseValidationResponse[]>;
  uploadKeyPackage(bytes: Uint8Array): Promise<void>;
  /** In the order asked; empty bytes where there is none. */
  fetchKeyPackages(installationIds: readonly string[]): Promise<readonly Uint8Array[]>;
  sendGroupMessages(messages: readonly GroupMessageInputV1[]): Promise<void>;
  sendWelcomes(messages: readonly WelcomeMessageInput[]): Promise<void>;
  /** One page, ascending, after the cursor. */
  queryGroupMessages(groupId: string, cursor: bigint): Promise<ApiPage<GroupMessageV1>>;
  queryWelcomes(installationKey: Uint8Array, cursor: bigint): Promise<ApiPage<WelcomeMessage>>;
  /** Newest message per group, in the order asked. */
  newestMessages(groupIds: readonly string[]): Promise<(NewestMessage | undefined)[]>;
  /** XIN-42: at most 10 entries. */
  publishCommitLog(entries: readonly SignedLogRow[]): Promise<void>;
  /** At most 20 groups; one page each, ascending, after the cursors. */
  queryCommitLogs(
    requests: readonly { readonly groupId: string; readonly cursor: bigint }[],
  ): Promise<ReadonlyMap<string, ApiPage<CommitLogEntry>>>;
  subscribeGroups(
    filters: readonly { readonly groupId: string; readonly cursor: bigint }[],
  ): IncomingStream;
  subscribeWelcomes(installationKey: Uint8Array, cursor: bigint): IncomingStream;
}

/** The contents of those messages that say something. */
function groupMessagesOf(messages: readonly GroupMessage[]): GroupMessageV1[] {
  return messages
    .flatMap((message) => (message.kind === "v1" ? [message.value] : []))
    .toSorted((a, b) => byId(a.id, b.id));
}

/** Pages are processed in the order of ids, whatever order they came in: a cursor must never pass over what it has not seen. */
function byId(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function welcomeId(welcome: WelcomeMessage): bigint {
  return welcome.kind === "unset" ? 0n : welcome.value.id;
}

function isFull(paging: PagingInfo | undefined): boolean {
  return (paging?.idCursor ?? 0n) !== 0n;
}

export function createApi(transport: Transport): Api {
  async function call<Request, Response>(
    path: string,
    request: Codec<Request>,
    value: Request,
    response: Codec<Response>,
  ): Promise<Response> {
    return response.decode(await transport.unary(path, request.encode(value)));
  }
  const page = (idCursor: bigint) => ({
    direction: SortDirection.ascending,
    limit: limits.page,
    idCursor,
  });
  const { identity, mls } = paths;

  return {
    async getInboxIds(identifiers) {
      const requests = identifiers.map(({ identifier, kind }) => ({
        identifier,
        identifierKind: kind,
      }));
      const { responses } = await call(
        identity.getInboxIds,
        GetInboxIdsRequest,
        { requests },
        GetInboxIdsResponse,
      );
      // XND-20 promises the order, but the answer names what it is for.
      return requests.map(
        (request, i) =>
          (responses[i]?.identifier === request.identifier
            ? responses[i]
            : responses.find((response) => response.identifier === request.identifier)
          )?.inboxId,
      );
    },
    async getIdentityUpdates(requests) {
      const { responses } = await call(
        identity.getIdentityUpdates,
        GetIdentityUpdatesRequest,
        { requests },
        GetIdentityUpdatesResponse,
      );
      return new Map(responses.map(({ inboxId, updates }) => [inboxId, updates]));
    },
    async publishIdentityUpdate(identityUpdate) {
      await call(
        identity.publishIdentityUpdate,
        PublishIdentityUpdateRequest,
        { identityUpdate },
        Empty,
      );
    },
    async verifyContractSignatures(signatures) {
      const { responses } = await call(
        identity.verifySmartContractWalletSignatures,
        VerifySmartContractWalletSignaturesRequest,
        { signatures },
        VerifySmartContractWalletSignaturesResponse,
      );
      return responses;
    },
    async uploadKeyPackage(bytes) {
      await call(
        mls.uploadKeyPackage,
        UploadKeyPackageRequest,
        { keyPackage: { keyPackageTlsSerialized: bytes }, isInboxIdCredential: true },
        Empty,
      );
    },
    async fetchKeyPackages(installationIds) {
      const { keyPackages } = await call(
        mls.fetchKeyPackages,
        FetchKeyPackagesRequest,
        { installationKeys: installationIds.map(fromHex) },
        FetchKeyPackagesResponse,
      );
      return installationIds.map(
        (_, i) => keyPackages[i]?.keyPackageTlsSerialized ?? new Uint8Array(0),
      );
    },
    async sendGroupMessages(messages) {
      await call(
        mls.sendGroupMessages,
        SendGroupMessagesRequest,
        { messages: messages.map((value) => ({ kind: "v1" as const, value })) },
        Empty,
      );
    },
    async sendWelcomes(messages) {
      await call(mls.sendWelcomeMessages, SendWelcomeMessagesRequest, { messages }, Empty);
    },
    async queryGroupMessages(groupId, cursor) {
      const { messages, pagingInfo } = await call(
        mls.queryGroupMessages,
        QueryGroupMessagesRequest,
        { groupId: fromHex(groupId), pagingInfo: page(cursor) },
        QueryGroupMessagesResponse,
      );
      return { messages: groupMessagesOf(messages), full: isFull(pagingInfo) };
    },
    async queryWelcomes(installationKey, cursor) {
      const { messages, pagingInfo } = await call(
        mls.queryWelcomeMessages,
        QueryWelcomeMessagesRequest,
        { installationKey, pagingInfo: page(cursor) },
        QueryWelcomeMessagesResponse,
      );
      const ordered = messages.toSorted((a, b) => byId(welcomeId(a), welcomeId(b)));
      return { messages: ordered, full: isFull(pagingInfo) };
    },
    async newestMessages(groupIds) {
      const { responses } = await call(
        mls.getNewestGroupMessage,
        GetNewestGroupMessageRequest,
        { groupIds: groupIds.map(fromHex), includeContent: false },
        GetNewestGroupMessageResponse,
      );
      const byGroup = new Map<string, NewestMessage>();
      for (const { groupMessage } of responses) {
        if (groupMessage?.kind !== "v1") continue;
        const { groupId, id, createdNs, isCommit } = groupMessage.value;
        byGroup.set(toHex(groupId), { sequenceId: id, createdNs, isCommit });
      }
      return groupIds.map((groupId) => byGroup.get(groupId));
    },
    async publishCommitLog(entries) {
      const requests = entries.map(({ groupId, entry, signature, publicKey }) => ({
        groupId,
        serializedCommitLogEntry: entry,
        signature: { bytes: signature, publicKey },
      }));
      await call(mls.batchPublishCommitLog, BatchPublishCommitLogRequest, { requests }, Empty);
    },
    async queryCommitLogs(wanted) {
      const requests = wanted.map(({ groupId, cursor }) => ({
        groupId: fromHex(groupId),
        pagingInfo: page(cursor),
      }));
      const { responses } = await call(
        mls.batchQueryCommitLog,
        BatchQueryCommitLogRequest,
        { requests },
        BatchQueryCommitLogResponse,
      );
      return new Map(
        responses.map(({ groupId, commitLogEntries, pagingInfo }) => [
          toHex(groupId),
          {
            messages: commitLogEntries.toSorted((a, b) => byId(a.sequenceId, b.sequenceId)),
            full: isFull(pagingInfo),
          },
        ]),
      );
    },
    subscribeGroups(filters) {
      const request = SubscribeGroupMessagesRequest.encode({
        filters: filters.map(({ groupId, cursor }) => ({
          groupId: fromHex(groupId),
          idCursor: cursor,
        })),
      });
      return transport.serverStream(mls.subscribeGroupMessages, request);
    },
    subscribeWelcomes(installationKey, cursor) {
      const request = SubscribeWelcomeMessagesRequest.encode({
        filters: [{ installationKey, idCursor: cursor }],
      });
      return transport.serverStream(mls.subscribeWelcomeMessages, request);
    },
  };
}
