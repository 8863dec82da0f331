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
import type {
  VerifySmartContractWalletSignatureRequestSignature,
  VerifySmartContractWalletSignaturesResponseValidationResponse as ValidationResponse,
} from "@coterie/wire";
import { invalid, NodeError, tooLarge } from "../errors.ts";
import type { Identifier } from "../log/log.ts";
import type { NodeEnv } from "./env.ts";
import { gather } from "./gather.ts";
import { createIdentityJudge } from "./identity-judge.ts";
import type { IdentityJudge, Standing } from "./identity-judge.ts";
import { createKeyedLock } from "./keyed-lock.ts";
import { unary } from "./routes.ts";
import type { Route } from "./routes.ts";

/** `xmtp.identity.api.v1.IdentityApi` over a log. */
export function createIdentityApi(env: NodeEnv): Routes {
  const { identity } = paths;
  const inboxes = createKeyedLock();
  const judge = createIdentityJudge(env.crypto, env.contracts);
  return new Map<string, Route>([
    unary(identity.publishIdentityUpdate, async (request) => {
      const update = PublishIdentityUpdateRequest.decode(request).identityUpdate;
      if (update === undefined) throw invalid("XND-23", "no identity update");
      checkSize(env, update, request);
      return inboxes.run(update.inboxId, () => publish(env, judge, update));
    }),
    unary(identity.getIdentityUpdates, (request) => getIdentityUpdates(env, request)),
    unary(identity.getInboxIds, (request) => getInboxIds(env, request)),
    unary(identity.verifySmartContractWalletSignatures, (request) =>
      verifyContractSignatures(env, request),
    ),
  ]);
}

function checkSize(env: NodeEnv, update: IdentityUpdate, request: Uint8Array): void {
  // needs nobody's signature: with it a stranger could fill an inbox's log (XND-24)
  if (update.actions.length === 0) throw invalid("XND-23", "an identity update without actions");
  if (update.actions.length > env.limits.updateActions || request.length > env.limits.updateBytes) {
    throw invalid("XND-23", "an identity update that is too large");
  }
}

/** How often another writer of the same inbox may get in between before we give up. */
const attempts = 5;

/** XND-22: judged against the whole log, and stored only if the log is still that one. */
async function publish(
  env: NodeEnv,
  judge: IdentityJudge,
  update: IdentityUpdate,
): Promise<Uint8Array> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const standing = await judge.standing(update.inboxId, (known) =>
      readOn(env, update.inboxId, known),
    );
    const { added, revoked } = await judge.judge(standing, update);
    const outcome = await env.log.appendIdentityUpdate({
      inboxId: update.inboxId,
      update: IdentityUpdate.encode(update),
      expectedLast: standing.last,
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

async function readOn(env: NodeEnv, inboxId: string, known: Standing) {
  const entries = await env.log.identityUpdates(inboxId, known.last);
  // XND-24, before anything is verified for it
  if (known.count + entries.length >= env.limits.inboxUpdates) {
    throw new NodeError("node/inbox-log-full", {
      message: "inbox log is full",
      details: { limit: env.limits.inboxUpdates },
    });
  }
  return entries;
}

/** XND-21. */
async function getIdentityUpdates(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { requests } = GetIdentityUpdatesRequest.decode(request);
  const logs = await gather({
    keys: requests,
    limits: env.limits,
    read: async ([asked]) =>
      asked === undefined ? [] : [await env.log.identityUpdates(asked.inboxId, asked.sequenceId)],
    sizeOf: (log) => log.reduce((sum, { update }) => sum + update.length + 32, 80),
    atOnce: 1,
  });
  return GetIdentityUpdatesResponse.encode({
    responses: logs.map((log, index) => ({
      inboxId: requests[index]?.inboxId ?? "",
      updates: log.map((entry) => ({
        sequenceId: entry.sequenceId,
        serverTimestampNs: entry.serverTimestampNs,
        update: IdentityUpdate.decode(entry.update),
      })),
    })),
  });
}

/** XND-20: clients key the answer by identifier and kind, so both go back as they came. */
async function getInboxIds(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { requests } = GetInboxIdsRequest.decode(request);
  const known = requests.map(({ identifier, identifierKind }) =>
    toIdentifier(identifier, identifierKind),
  );
  const found = await gather({
    keys: known.filter((one) => one !== undefined),
    limits: env.limits,
    read: (some) => env.log.inboxIds(some),
    sizeOf: () => 128,
  });
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

/** XND-25: a result per item, and an item that cannot be asked about is not valid. */
async function verifyContractSignatures(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { signatures } = VerifySmartContractWalletSignaturesRequest.decode(request);
  const { contractChecks, contractChecksAtOnce: width } = env.limits;
  if (signatures.length > contractChecks) {
    throw tooLarge("contract signatures", contractChecks, signatures.length);
  }
  const responses: ValidationResponse[] = [];
  for (let at = 0; at < signatures.length; at += width) {
    const some = signatures.slice(at, at + width);
    responses.push(...(await Promise.all(some.map((item) => verifyContractSignature(env, item)))));
  }
  return VerifySmartContractWalletSignaturesResponse.encode({ responses });
}

async function verifyContractSignature(
  env: NodeEnv,
  item: VerifySmartContractWalletSignatureRequestSignature,
): Promise<ValidationResponse> {
  const { accountId, blockNumber, signature, hash } = item;
  if (env.contracts === undefined) return { isValid: false, error: "no chain is configured" };
  const account = /^eip155:(\d{1,20}):(0x[0-9a-fA-F]{40})$/.exec(accountId);
  if (account === null) return { isValid: false, error: "not an account id of eip155" };
  try {
    const [verdict] = await env.contracts.verify([
      {
        accountId,
        chainId: BigInt(account[1] as string),
        address: (account[2] as string).toLowerCase(),
        blockNumber,
        signature,
        hash,
      },
    ]);
    return verdict ?? { isValid: false, error: "the chain gave no answer" };
  } catch (error) {
    return { isValid: false, error: error instanceof Error ? error.message : "the chain failed" };
  }
}
