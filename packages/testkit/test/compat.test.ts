import * as core from "@coterie/client";
import { DeliveryStatus, ReactionAction, ReactionSchema } from "@coterie/client";
import * as node from "@coterie/client/node";
import { compat, errorName } from "@coterie/client/compat";
import type { CompatGroup } from "@coterie/client/compat";
import { expect, test } from "vitest";
import { createWorld, settle } from "@coterie/testkit";

const address = async (actor: { signer: { getIdentifier(): unknown } }): Promise<string> =>
  ((await actor.signer.getIdentifier()) as { identifier: string }).identifier;

test("Alix, Bo and Caro: a group by address, messages, members and roles, by the older names", async () => {
  const world = createWorld();
  const actors = {
    alix: await world.join("alix"),
    bo: await world.join("bo"),
    caro: await world.join("caro"),
  };
  const alix = compat(actors.alix.client);
  const bo = compat(actors.bo.client);
  const caro = compat(actors.caro.client);
  const [bos, caros] = [await address(actors.bo), await address(actors.caro)];
  const nobody = `0x${"12".repeat(20)}`;
  expect(await alix.canMessage([bos, nobody])).toEqual(
    new Map([
      [bos, true],
      [nobody, false],
    ]),
  );
  await expect(alix.conversations.create_group([nobody])).rejects.toMatchObject({
    code: "client/address-not-found",
  });

  // Forming groups.
  const heard: string[] = [];
  const end_stream = await caro.conversations.stream_all_messages(({ content }) => {
    if (typeof content === "string") heard.push(content);
  });
  const seen: CompatGroup[] = [];
  const end_groups = await caro.conversations.stream((group) => seen.push(group));
  const group = await alix.conversations.create_group([bos], { groupName: "The stairs" });
  expect(group.group_metadata).toMatchObject({
    group_name: "The stairs",
    creator_inbox_id: actors.alix.client.inboxId,
    super_admins: [actors.alix.client.inboxId],
  });
  await group.add_members_by_inbox_id([actors.caro.client.inboxId]);
  expect((await group.list_members()).length).toBe(3);

  // Sending: nothing is Published without a sync.
  await group.send("hello");
  expect((await group.find_messages({ delivery_status: DeliveryStatus.Unpublished })).length).toBe(
    1,
  );
  await bo.conversations.sync();
  const [bo_group] = (await bo.conversations.list()) as [CompatGroup];
  expect(bo_group.group_id).toBe(group.group_id);
  await bo_group.sync();
  expect((await bo_group.find_messages()).map(({ content }) => content)).not.toContain("hello");
  await group.sync();
  expect(await group.find_messages({ delivery_status: DeliveryStatus.Unpublished })).toEqual([]);
  await bo_group.sync();
  expect((await bo_group.find_messages()).map(({ content }) => content)).toContain("hello");
  expect(bo_group.is_active).toBe(true);
  expect(bo_group.created_at_ns).toBeGreaterThan(0n);
  await settle();
  expect(heard).toEqual(["hello"]);
  expect(seen.map(({ group_id }) => group_id)).toEqual([group.group_id]);
  await end_stream();
  await end_groups();

  // Spam protection.
  const { added_by_inbox_id } = bo_group;
  expect(added_by_inbox_id).toBe(actors.alix.client.inboxId);
  expect(bo.contacts.isInboxIdAllowed(added_by_inbox_id)).toBe(false);
  await bo.contacts.allow([added_by_inbox_id]);
  expect(bo.contacts.isInboxIdAllowed(added_by_inbox_id)).toBe(true);
  await bo.contacts.deny([added_by_inbox_id]);
  expect(bo.contacts.isInboxIdDenied(added_by_inbox_id)).toBe(true);

  // Permissions and roles.
  await group.update_permission("Add Member", "Allow if Admin or Super Admin");
  await group.update_permission("Update Metadata", "Creator Only");
  await group.update_permission("Update Permissions", "Allow if Super Admin");
  for (const [permission, option] of [
    ["Update Permissions", "Allow"],
    ["Add Admin", "Allow"],
    ["Add Member", "Unspecified"],
    ["Add Member", "Anything"],
    ["Fly", "Allow"],
  ]) {
    await expect(
      group.update_permission(permission as never, option as never),
    ).rejects.toMatchObject({ disposition: "fix-caller" });
  }
  const bo_inbox = actors.bo.client.inboxId;
  await bo_group.sync();
  await expect(bo_group.update_group_name("mine")).rejects.toMatchObject({
    code: "client/insufficient-permissions",
  });
  await group.promote_to_super_admin(bo_inbox);
  await bo_group.sync();
  await bo_group.update_group_name("mine");
  await group.sync();
  await group.demote(bo_inbox);
  await group.promote_to_admin(bo_inbox);
  expect(group.group_metadata.admins).toEqual([bo_inbox]);
  await group.demote(bo_inbox);
  expect(group.group_metadata).toMatchObject({
    admins: [],
    super_admins: [actors.alix.client.inboxId],
  });

  // Pins.
  const [hello] = await group
    .find_messages({ sent_after_ns: 0n, delivery_status: 1 })
    .then((all) => all.filter(({ content }) => content === "hello"));
  await group.pin_message(hello?.id ?? "");
  expect((await group.pinned_messages()).map(({ content }) => content)).toEqual(["hello"]);
  await group.unpin_message(hello?.id ?? "");
  expect(await group.pinned_messages()).toEqual([]);

  // Leaving people out.
  await group.remove_members([caros]);
  await group.remove_members_by_inbox_id([bo_inbox]);
  expect((await group.list_members()).length).toBe(1);
  await group.add_members([bos]);
  expect((await group.list_members()).length).toBe(2);
  await expect(group.add_members(["bo"])).rejects.toMatchObject({ code: "client/bad-argument" });

  await caro.deleteLocalDatabase();
  const error: unknown = await group.update_group_name("x".repeat(101)).catch((e: unknown) => e);
  expect(errorName(error)).toBe("TooManyCharacters");
  expect(errorName(new Error("of another kind"))).toBeUndefined();
  await world.close();
});

/** Section 11.1 to 11.5. */
const names = {
  static: `create build canMessage revokeInstallations fetchInboxStates isAddressAuthorized isInstallationAuthorized
    fetchLatestInboxUpdatesCount verifySignedWithPublicKey`,
  module: `createBackend generateInboxId getInboxIdForIdentifier createStream encryptAttachment decryptAttachment
    encodeText encodeMarkdown encodeReaction encodeReadReceipt encodeAttachment encodeRemoteAttachment encodeMultiRemoteAttachment
    encodeTransactionReference encodeWalletSendCalls encodeActions encodeIntent
    isText isMarkdown isReaction isReply isTextReply isReadReceipt isAttachment isRemoteAttachment isMultiRemoteAttachment
    isTransactionReference isWalletSendCalls isActions isIntent isGroupUpdated isLeaveRequest
    contentTypeText contentTypeMarkdown contentTypeReaction contentTypeReply contentTypeReadReceipt contentTypeAttachment
    contentTypeRemoteAttachment contentTypeMultiRemoteAttachment contentTypeTransactionReference contentTypeWalletSendCalls
    contentTypeActions contentTypeIntent contentTypeGroupUpdated contentTypeLeaveRequest
    ConsentEntityType ConsentState ContentType ConversationType DeliveryStatus GroupMembershipState GroupMessageKind
    GroupPermissionsOptions IdentifierKind ListConversationsOrderBy LogLevel MessageSortBy MetadataField PermissionLevel
    PermissionPolicy PermissionUpdateType ReactionAction ReactionSchema SortDirection ActionStyle`,
  Client: `inboxId installationId installationIdBytes isRegistered accountIdentifier signer env options appVersion libxmtpVersion
    conversations preferences debugInformation register close canMessage fetchInboxIdByIdentifier fetchLatestInboxUpdatesCount
    fetchOwnInboxUpdatesCount fetchKeyPackageStatuses signWithInstallationKey verifySignedWithInstallationKey unsafe_addAccount
    removeAccount changeRecoveryIdentifier revokeInstallations revokeAllOtherInstallations unsafe_createInboxSignatureRequest
    unsafe_addAccountSignatureRequest unsafe_removeAccountSignatureRequest unsafe_revokeInstallationsSignatureRequest
    unsafe_revokeAllOtherInstallationsSignatureRequest unsafe_changeRecoveryIdentifierSignatureRequest unsafe_addSignature
    unsafe_applySignatureRequest sendSyncRequest sendSyncArchive processSyncArchive listAvailableArchives createArchive importArchive
    archiveMetadata syncAllDeviceSyncGroups deleteLocalDatabase`,
  DebugInformation: `apiStatistics apiIdentityStatistics apiAggregateStatistics clearAllStatistics`,
  Conversations: `createGroup createGroupWithIdentifiers createGroupOptimistic createDm createDmWithIdentifier list listGroups listDms
    sync syncAll getConversationById getDmByInboxId fetchDmByIdentifier getMessageById stream streamGroups streamDms
    streamAllMessages streamAllGroupMessages streamAllDmMessages streamMessageDeletions streamDeletedMessages hmacKeys topic
    processStreamedWelcomeMessage deleteMessageById`,
  Conversation: `id isActive addedByInboxId createdAtNs createdAt topic sync send sendText sendMarkdown sendReaction sendReply
    sendReadReceipt sendAttachment sendRemoteAttachment sendMultiRemoteAttachment sendTransactionReference sendWalletSendCalls
    sendActions sendIntent publishMessages messages countMessages lastMessage lastReadTimes members metadata stream
    processStreamedMessage consentState updateConsentState messageDisappearingSettings updateMessageDisappearingSettings
    removeMessageDisappearingSettings isMessageDisappearingEnabled pausedForVersion hmacKeys debugInfo prepareMessage
    publishStoredMessage membershipState deleteMessage`,
  Dm: `peerInboxId duplicateDms`,
  Group: `name description imageUrl appData updateName updateDescription updateImageUrl updateAppData addMembers removeMembers
    addMembersByIdentifiers removeMembersByIdentifiers listAdmins listSuperAdmins isAdmin isSuperAdmin addAdmin removeAdmin
    addSuperAdmin removeSuperAdmin permissions updatePermission requestRemoval isPendingRemoval`,
  Preferences: `sync inboxState fetchInboxState getInboxStates fetchInboxStates setConsentStates getConsentState streamConsent
    streamPreferences`,
  DecodedMessage: `id content contentType conversationId senderInboxId sentAt sentAtNs kind deliveryStatus fallback reactions
    numReplies expiresAt expiresAtNs`,
} as const;

test("11: every name is there", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const { client } = ada;
  const group = await client.conversations.createGroup([]);
  const dm = await client.conversations.createDm(bo.client.inboxId);
  const reference = await group.sendText("hello");
  await group.sendReaction({
    reference,
    referenceInboxId: client.inboxId,
    action: ReactionAction.Added,
    content: "!",
    schema: ReactionSchema.Custom,
  });
  const message = await group.lastMessage();
  const objects: readonly (readonly [keyof typeof names, object | undefined])[] = [
    ["static", node.Client],
    ["module", { ...node, ...core }],
    ["Client", client],
    ["DebugInformation", client.debugInformation],
    ["Conversations", client.conversations],
    ["Conversation", group],
    ["Conversation", dm],
    ["Dm", dm],
    ["Group", group],
    ["Preferences", client.preferences],
    ["DecodedMessage", message],
  ];
  const missing = objects.flatMap(([kind, object]) =>
    names[kind]
      .split(/\s+/)
      .filter((name) => !(name in (object ?? {})))
      .map((name) => `${kind}.${name}`),
  );
  expect(missing).toEqual([]);
  await world.close();
});
