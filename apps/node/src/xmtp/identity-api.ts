import type { Routes } from "@coterie/transport";
import {
  GetIdentityUpdatesRequest,
  GetIdentityUpdatesResponse,
  GetInboxIdsRequest,
  GetInboxIdsResponse,
  IdentifierKind,
  IdentityUpdate,
  paths,
  PublishIdentityUpdateRequest,
  VerifySmartContractWalletSignaturesRequest,
  VerifySmartContractWalletSignaturesResponse,
} from "@coterie/wire";
import type { GetIdentityUpdatesResponseResponse } from "@coterie/wire";
import { invalid, NodeError } from "../errors.ts";
import type { Identifier } from "../log/log.ts";
import type { NodeEnv } from "./env.ts";
import { judgeUpdate } from "./identity-judge.ts";
import { createKeyedLock } from "./keyed-lock.ts";
import { unary } from "./routes.ts";
import type { Route } from "./routes.ts";

/** `xmtp.identity.api.v1.IdentityApi` over a log. */
export function createIdentityApi(env: NodeEnv): Routes {
  const { identity } = paths;
  const inboxes = createKeyedLock();
  return new Map<string, Route>([
    unary(identity.publishIdentityUpdate, async (request) => {
      const update = PublishIdentityUpdateRequest.decode(request).identityUpdate;
      if (update === undefined) throw invalid("XND-23", "no identity update");
      return inboxes.run(update.inboxId, () => publish(env, update));
    }),
    unary(identity.getIdentityUpdates, (request) => getIdentityUpdates(env, request)),
    unary(identity.getInboxIds, (request) => getInboxIds(env, request)),
    unary(identity.verifySmartContractWalletSignatures, verifyContractSignatures),
  ]);
}

/** How often another writer of the same inbox may get in between before we give up. */
const attempts = 5;

/** XND-22: judged against the whole log, and stored only if the log is still that one. */
async function publish(env: NodeEnv, update: IdentityUpdate): Promise<Uint8Array> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const log = await env.log.identityUpdates(update.inboxId, 0n);
    // XND-24
    if (log.length >= env.limits.inboxUpdates) {
      throw new NodeError("node/inbox-log-full", {
        message: "inbox log is full",
        details: { limit: env.limits.inboxUpdates },
      });
    }
    const { added, revoked } = judgeUpdate(
      env.crypto,
      log.map((entry) => IdentityUpdate.decode(entry.update)),
      update,
    );
    const outcome = await env.log.appendIdentityUpdate({
      inboxId: update.inboxId,
      update: IdentityUpdate.encode(update),
      expectedLast: log.at(-1)?.sequenceId ?? 0n,
      added,
      revoked,
    });
    if (outcome.kind === "appended") {
      env.metrics.add("coterie_identity_updates_total");
      return new Uint8Array();
    }
  }
  throw new NodeError("node/conflict");
}

/** XND-21. */
async function getIdentityUpdates(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { requests } = GetIdentityUpdatesRequest.decode(request);
  const responses: GetIdentityUpdatesResponseResponse[] = [];
  for (const { inboxId, sequenceId } of requests) {
    const log = await env.log.identityUpdates(inboxId, sequenceId);
    responses.push({
      inboxId,
      updates: log.map((entry) => ({
        sequenceId: entry.sequenceId,
        serverTimestampNs: entry.serverTimestampNs,
        update: IdentityUpdate.decode(entry.update),
      })),
    });
  }
  return GetIdentityUpdatesResponse.encode({ responses });
}

/** XND-20: clients key the answer by identifier and kind, so both go back as they came. */
async function getInboxIds(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { requests } = GetInboxIdsRequest.decode(request);
  const known = requests.map(({ identifier, identifierKind }) =>
    toIdentifier(identifier, identifierKind),
  );
  const found = await env.log.inboxIds(known.filter((one) => one !== undefined));
  let next = 0;
  return GetInboxIdsResponse.encode({
    responses: requests.map(({ identifier, identifierKind }, index) => {
      const inboxId = known[index] === undefined ? undefined : found[next++];
      return { identifier, identifierKind, inboxId };
    }),
  });
}

function toIdentifier(text: string, kind: number): Identifier | undefined {
  if (kind === IdentifierKind.unspecified || kind === IdentifierKind.ethereum) {
    return { kind: "ethereum", text: text.toLowerCase() };
  }
  if (kind === IdentifierKind.passkey) return { kind: "passkey", text: text.toLowerCase() };
  return undefined;
}

/** XND-25: no chain is configured, so no contract can be asked. */
async function verifyContractSignatures(request: Uint8Array): Promise<Uint8Array> {
  const { signatures } = VerifySmartContractWalletSignaturesRequest.decode(request);
  return VerifySmartContractWalletSignaturesResponse.encode({
    responses: signatures.map(({ accountId }) => ({
      isValid: false,
      error: `no RPC endpoint for ${accountId.split(":").slice(0, 2).join(":")}`,
    })),
  });
}
