import { equal, idBytes, toHex } from "@coterie/base";
import type { GroupId, InstallationId, MessageId } from "@coterie/base";
import { memberAt } from "@coterie/mls";
import type { Group as MlsGroup, Member } from "@coterie/mls";
import { DeleteMessage, EncodedContent } from "@coterie/wire";
import { DeliveryStatus, GroupMessageKind } from "../enums.ts";
import { contentTypeOf, contentTypes, isContentType, openEnvelope } from "./content.ts";
import { decodeMembership, extensionType, findExtension } from "./extensions.ts";
import { expiryOf } from "./expiry.ts";
import { ownerOf } from "./leaf.ts";
import type { LeafOwner } from "./leaf.ts";
import type { IdentityPoint } from "./membership.ts";
import { messageId } from "./message-id.ts";
import type { Envelope } from "./envelope.ts";
import { stepTo } from "./step.ts";
import type { Deletion, Step, StepEnv } from "./step.ts";
import type { GroupRecord, GroupState, MessageRow } from "./state.ts";

interface DecryptedMessage {
  readonly group: MlsGroup;
  readonly plaintext: Uint8Array;
  readonly sender: Member;
  readonly spent: readonly Uint8Array[];
}

export type ReceivedMessage =
  | { readonly kind: "step"; readonly step: Step }
  | { readonly kind: "wait"; readonly needs: readonly IdentityPoint[] };

export interface MessageInput {
  readonly env: StepEnv;
  readonly state: GroupState;
  readonly envelope: Envelope;
  readonly result: DecryptedMessage;
}

/** An application message that MLS has opened: who says so is checked, then it is stored (XMS-01 to XMS-05). */
export function receiveMessage({ env, state, envelope, result }: MessageInput): ReceivedMessage {
  // The ratchet has moved whatever becomes of the content.
  const next: GroupState = { ...state, mls: result.group };
  const refused = (code: string, rule: string): ReceivedMessage => ({
    kind: "step",
    step: stepTo(next, {
      spent: result.spent,
      events: [
        {
          kind: "refused",
          what: "message",
          groupId: state.record.id,
          sequenceId: envelope.sequenceId,
          code,
          rule,
        },
      ],
    }),
  });
  const sender = ownerOf(result.sender.leaf);
  if (!sender || state.record.impostors?.includes(sender.installationId) === true) {
    return refused("client/bad-credential", "XGC-12");
  }
  const belongs = checkSender(env, result, sender);
  if (belongs.kind === "wait") return belongs;
  if (belongs.kind === "refuse") return refused("client/bad-credential", "XGC-12");

  const opened = openEnvelope(result.plaintext);
  if (opened.kind === "invalid") return refused("client/invalid-payload", "XMS-04");
  if (opened.kind === "ignored")
    return { kind: "step", step: stepTo(next, { spent: result.spent }) };

  const row: MessageRow = {
    id: messageId(env.crypto, idBytes(state.record.id), opened.idempotencyKey, opened.content),
    groupId: state.record.id satisfies GroupId,
    senderInboxId: sender.inboxId,
    senderInstallationId: toHex(result.sender.leaf.signatureKey) as InstallationId,
    kind: GroupMessageKind.Application,
    content: opened.content,
    contentType: contentTypeOf(opened.content),
    sentAtNs: envelope.createdNs,
    insertedAtNs: env.nowNs,
    deliveryStatus: DeliveryStatus.Published,
    sequenceId: envelope.sequenceId,
    expireAtNs: expiryOf(state.record, env.nowNs),
  };
  const record = afterMessage(env, next.record, row);
  const progress = { ...next.progress, lastMessageNs: envelope.createdNs };
  return {
    kind: "step",
    step: stepTo(
      { ...next, record, progress },
      {
        messages: [{ kind: "insert", row }],
        spent: result.spent,
        deletions: deletionOf(state.record, row),
      },
    ),
  };
}

/**
 * A leaf may claim an inbox that never admitted its key: released members let such an Add pass, as its key is one that the
 * change of another inbox explains (XCV-13). What it says is refused here, so that nobody speaks in another's name (A5).
 */
function checkSender(
  env: StepEnv,
  { group, sender: { leafIndex, leaf } }: DecryptedMessage,
  sender: LeafOwner,
):
  | { readonly kind: "accept" | "refuse" }
  | { readonly kind: "wait"; readonly needs: readonly IdentityPoint[] } {
  const membership = decodeMembership(
    findExtension(group.context.extensions, extensionType.membership),
  );
  const sequenceId = membership.members.get(sender.inboxId);
  // Listed before anything was verified (XGC-31).
  if (sequenceId === 0n) return { kind: "accept" };
  // Written in an earlier epoch by a leaf that is gone since: the newer state says nothing about then.
  const now = memberAt(group, leafIndex);
  if (!now || !equal(now.leaf.signatureKey, leaf.signatureKey)) return { kind: "accept" };
  // An inbox that goes takes its leaves along (XCV-14).
  if (sequenceId === undefined) return { kind: "refuse" };
  const at = env.identity.installationsAt(sender.inboxId, sequenceId);
  if (at.kind === "unknown") {
    return { kind: "wait", needs: [{ inboxId: sender.inboxId, sequenceId }] };
  }
  // Where the id is none of the log's, what came before it counts: else a forged id would silence its inbox.
  const installations = at.kind === "known" ? at.installations : at.before?.installations;
  return { kind: installations?.has(sender.installationId) ? "accept" : "refuse" };
}

/** XLV-02: a request to leave is remembered by every member. */
export function afterMessage(
  env: StepEnv,
  record: GroupRecord,
  row: Pick<MessageRow, "contentType" | "senderInboxId">,
): GroupRecord {
  if (!isContentType(row.contentType, contentTypes.leaveRequest)) return record;
  if (record.conversationType !== "group" || record.pendingLeaves.includes(row.senderInboxId)) {
    return record;
  }
  return {
    ...record,
    pendingLeaves: [...record.pendingLeaves, row.senderInboxId],
    membershipState:
      row.senderInboxId === env.ownInboxId ? "pending-remove" : record.membershipState,
  };
}

/** XMS-09: what a deleteMessage asks for; whether its sender may is decided against the target. */
export function deletionOf(
  record: GroupRecord,
  row: Pick<MessageRow, "contentType" | "senderInboxId" | "content">,
): Deletion[] {
  if (!isContentType(row.contentType, contentTypes.deleteMessage)) return [];
  try {
    const { messageId: target } = DeleteMessage.decode(EncodedContent.decode(row.content).content);
    if (!/^[0-9a-f]{64}$/.test(target)) return [];
    return [
      {
        target: target as MessageId,
        groupId: record.id,
        by: row.senderInboxId,
        bySuperAdmin: record.metadata.superAdmins.includes(row.senderInboxId),
      },
    ];
  } catch {
    return [];
  }
}
