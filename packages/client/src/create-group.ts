import { idFromBytes, toHex } from "@coterie/base";
import type { GroupId } from "@coterie/base";
import { createGroup } from "@coterie/mls";
import type { PolicySet } from "@coterie/policy";
import type { Context } from "./context.ts";
import { logTypes } from "./engine/commit-log.ts";
import { dmIdOf } from "./engine/dm-id.ts";
import {
  decodeFacts,
  encodeImmutableMetadata,
  encodeMembership,
  encodeMutableMetadata,
  encodePermissions,
  requiredCapabilities,
} from "./engine/extensions.ts";
import type { ReaddRequest } from "./engine/extensions.ts";
import { inboxCredential } from "./engine/leaf.ts";
import { assertAttribute } from "./engine/limits.ts";
import {
  cipherSuite,
  keyPackageLifetime,
  leafCapabilities,
  leafExtensions,
} from "./engine/profile.ts";
import { stepTo } from "./engine/step.ts";
import { CommitResult } from "./engine/state.ts";
import type { ConversationKind, GroupState, MutableMetadata } from "./engine/state.ts";
import type { Cell, Groups } from "./groups.ts";

export interface NewConversation {
  readonly conversationType: ConversationKind;
  readonly policy: PolicySet;
  /** By attribute key (XGC-32). */
  readonly attributes: ReadonlyMap<string, string>;
  readonly dmPeer?: string | undefined;
  /** Of a one-shot group (XIN-44). */
  readonly readdRequest?: ReaddRequest | undefined;
}

/** XGC-20 to XGC-33, XGC-55: a group of one at epoch 0, stored and not yet published. */
export async function createConversation(
  context: Context,
  groups: Groups,
  wanted: NewConversation,
): Promise<Cell> {
  const { crypto, clock, random } = context.ports;
  for (const [key, value] of wanted.attributes) assertAttribute(key, value);
  const dmMembers =
    wanted.dmPeer === undefined ? undefined : ([context.inboxId, wanted.dmPeer] as const);
  const groupId = random.bytes(16);
  const nowNs = clock.nowNs();
  const metadata: MutableMetadata = {
    // XGC-32, XGC-34: no minimum version at first.
    attributes: new Map([...wanted.attributes, ["_commit_log_signer", toHex(random.bytes(32))]]),
    admins: [],
    // XGC-33
    superAdmins: wanted.conversationType === "dm" ? [] : [context.inboxId],
  };
  const extensions = [
    encodeImmutableMetadata({
      conversationType: wanted.conversationType,
      creatorInboxId: context.inboxId,
      dmMembers,
      readdRequest: wanted.readdRequest,
    }),
    encodeMutableMetadata(metadata),
    // XGC-31
    encodeMembership({
      members: new Map([[context.inboxId, 0n]]),
      failedInstallations: new Set(),
    }),
    encodePermissions(wanted.policy),
    requiredCapabilities(),
  ];
  const mls = createGroup({
    crypto,
    cipherSuite,
    groupId,
    signer: context.signer,
    credential: inboxCredential(context.inboxId),
    capabilities: leafCapabilities,
    leafExtensions: [...leafExtensions(context.inboxId)],
    lifetime: keyPackageLifetime(nowNs),
    extensions,
  });
  const facts = decodeFacts(extensions);
  const id = idFromBytes<GroupId>(groupId);
  const state: GroupState = {
    record: {
      id,
      conversationType: wanted.conversationType,
      createdAtNs: nowNs,
      creatorInboxId: context.inboxId,
      addedByInboxId: context.inboxId,
      membershipState: "allowed",
      active: true,
      dmId: dmMembers && dmIdOf(...dmMembers),
      dmMembers,
      pendingLeaves: [],
      metadata: facts.metadata,
      policy: facts.policy,
    },
    progress: {
      commitCursor: 0n,
      messageCursor: 0n,
      ahead: [],
      epochStarts: [0n],
      rotatedAtNs: nowNs,
      installationsCheckedAtNs: nowNs,
      nextIntent: 1,
      nextLogEntry: 0,
    },
    mls,
    intents: [],
  };
  return groups.put(
    stepTo(state, {
      log: [
        {
          sequenceId: 0n,
          lastAuthenticator: new Uint8Array(0),
          appliedAuthenticator: mls.epochAuthenticator,
          appliedEpoch: 0n,
          result: CommitResult.applied,
          type: logTypes.creation,
          sender: context.inboxId,
        },
      ],
    }),
    [],
    // Its first commit, or the consent to it, is durable and takes it along.
    { durability: "ordered" },
  );
}
