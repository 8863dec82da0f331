import { parseIdentifier } from "@coterie/identity";
import type { PublicIdentifier } from "@coterie/identity";
import {
  METADATA_FIELDS,
  adminOnlyPolicy,
  customPolicySet,
  defaultPolicy,
  dmPolicy,
} from "@coterie/policy";
import type { PolicySet } from "@coterie/policy";
import { WelcomeMessage, welcomeTopic } from "@coterie/wire";
import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import type { Conversation, ConversationParts, HmacKey } from "./conversation.ts";
import { createConversation } from "./create-group.ts";
import { decodeMessage } from "./decoded-message.ts";
import type { DecodedMessage } from "./decoded-message.ts";
import { Dm } from "./dm.ts";
import { readMessage } from "./db.ts";
import { dmIdOf } from "./engine/dm-id.ts";
import { disappearFromKey, disappearInKey } from "./engine/expiry.ts";
import type { DisappearingSettings } from "./engine/expiry.ts";
import {
  ConsentEntityType,
  ConsentState,
  ConversationType,
  GroupPermissionsOptions,
} from "./enums.ts";
import { ClientError } from "./errors.ts";
import { Group } from "./group.ts";
import type { PermissionPolicySet } from "./group.ts";
import type { Cell } from "./groups.ts";
import { resolveInboxIds } from "./identifiers.ts";
import { eachLimited } from "./run.ts";
import { streamAllMessages, streamConversations } from "./streams.ts";

export interface CreateGroupOptions {
  readonly permissions?: GroupPermissionsOptions | "creator-only" | undefined;
  /** Needed with, and only with, CustomPolicy. */
  readonly customPermissionPolicySet?: PermissionPolicySet | undefined;
  readonly groupName?: string | undefined;
  readonly groupDescription?: string | undefined;
  readonly groupImageUrlSquare?: string | undefined;
  readonly appData?: string | undefined;
  readonly messageDisappearingSettings?: DisappearingSettings | undefined;
}

export interface ListConversationsOptions {
  readonly consentStates?: readonly ConsentState[] | undefined;
  readonly conversationType?: ConversationType | undefined;
  readonly createdAfterNs?: bigint | undefined;
  readonly createdBeforeNs?: bigint | undefined;
  readonly includeDuplicateDms?: boolean | undefined;
  readonly limit?: number | undefined;
  /** 0 by creation, 1 by last activity; newest first either way. */
  readonly orderBy?: 0 | 1 | undefined;
}

export interface StreamAllOptions<T = DecodedMessage> extends StreamOptions<T> {
  readonly conversationType?: ConversationType | undefined;
  readonly consentStates?: readonly ConsentState[] | undefined;
}

const typeOf = { dm: 0, group: 1, sync: 2, oneshot: 3 } as const;

function policyFor(options: CreateGroupOptions): PolicySet {
  const { permissions, customPermissionPolicySet: custom } = options;
  switch (permissions) {
    case undefined:
    case GroupPermissionsOptions.Default:
      return defaultPolicy;
    case GroupPermissionsOptions.AdminOnly:
    case "creator-only":
      return permissions === "creator-only" ? creatorOnly() : adminOnlyPolicy;
    case GroupPermissionsOptions.CustomPolicy: {
      if (!custom) {
        throw new ClientError("client/bad-argument", { argument: "customPermissionPolicySet" });
      }
      type Option = 0 | 1 | 2 | 3;
      return customPolicySet({
        addMember: custom.addMemberPolicy as Option,
        removeMember: custom.removeMemberPolicy as Option,
        addAdmin: custom.addAdminPolicy as Option,
        removeAdmin: custom.removeAdminPolicy as Option,
        updateGroupName: custom.updateGroupNamePolicy as Option,
        updateGroupDescription: custom.updateGroupDescriptionPolicy as Option,
        updateGroupImageUrlSquare: custom.updateGroupImageUrlSquarePolicy as Option,
        updateMessageDisappearing: custom.updateMessageDisappearingPolicy as Option,
        updateAppData: custom.updateAppDataPolicy as Option,
      });
    }
    default:
      throw new ClientError("client/bad-argument", { argument: "permissions" });
  }
}

/** §13: an older name for "super admins only", of whom the creator is the first. */
function creatorOnly(): PolicySet {
  return customPolicySet({
    addMember: "super-admin",
    removeMember: "super-admin",
    addAdmin: "super-admin",
    removeAdmin: "super-admin",
    updateMetadata: "super-admin",
    updateMessageDisappearing: "super-admin",
  });
}

function attributesFor(options: CreateGroupOptions): Map<string, string> {
  const attributes = new Map<string, string>([
    [METADATA_FIELDS.name, options.groupName ?? ""],
    [METADATA_FIELDS.description, options.groupDescription ?? ""],
    [METADATA_FIELDS.imageUrl, options.groupImageUrlSquare ?? ""],
    [METADATA_FIELDS.appData, options.appData ?? ""],
  ]);
  const settings = options.messageDisappearingSettings;
  if (settings) {
    attributes.set(disappearFromKey, settings.fromNs.toString());
    attributes.set(disappearInKey, settings.inNs.toString());
  }
  return attributes;
}

/** All conversations of one client. */
export class Conversations {
  readonly #parts: ConversationParts;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /** The welcome topic of this installation, for push servers (XPU-06). */
  get topic(): string {
    return welcomeTopic(this.#parts.context.installationId);
  }

  /** Creates a group with these inboxes in it and publishes it (XGC-55). */
  async createGroup(inboxIds: readonly string[], options: CreateGroupOptions = {}): Promise<Group> {
    const { context, groups, engine } = this.#parts;
    const others = [...new Set(inboxIds)].filter((id) => id !== context.inboxId);
    if (others.length + 1 > context.maxGroupSize) {
      throw new ClientError("client/user-limit-exceeded", {
        rule: "XGC-56",
        limit: context.maxGroupSize,
        size: others.length + 1,
      });
    }
    const cell = await this.#create("group", policyFor(options), attributesFor(options));
    try {
      await engine.carryOut(
        cell,
        // XGC-13
        others.length > 0
          ? { kind: "membership", add: others, remove: [] }
          : { kind: "key-update" },
      );
    } catch (error) {
      // Nobody has heard of it: nothing was published and nothing waits to be.
      await groups.dropUnborn(cell);
      throw error;
    }
    return this.#group(await this.#announce(cell));
  }

  async createGroupWithIdentifiers(
    identifiers: readonly PublicIdentifier[],
    options: CreateGroupOptions = {},
  ): Promise<Group> {
    const { api } = this.#parts.context;
    return this.createGroup(await resolveInboxIds(api, identifiers.map(parseIdentifier)), options);
  }

  /** A group that stays local until something is published (XGC-13). */
  async createGroupOptimistic(options: CreateGroupOptions = {}): Promise<Group> {
    const cell = await this.#create("group", policyFor(options), attributesFor(options));
    return this.#group(await this.#announce(cell));
  }

  /** XDM-03: the DM with this person that is in use, or a new one. */
  async createDm(
    inboxId: string,
    options: Pick<CreateGroupOptions, "messageDisappearingSettings"> = {},
  ): Promise<Dm> {
    const { context, groups, engine } = this.#parts;
    if (inboxId === context.inboxId) {
      throw new ClientError("client/bad-argument", { rule: "XDM-01", inboxId });
    }
    const existing = await this.getDmByInboxId(inboxId);
    if (existing?.isActive) return existing;
    const attributes = attributesFor(options);
    // XGC-32
    attributes.delete(METADATA_FIELDS.appData);
    const cell = await this.#create("dm", dmPolicy, attributes, inboxId);
    try {
      await engine.carryOut(cell, { kind: "membership", add: [inboxId], remove: [] });
    } catch (error) {
      await groups.dropUnborn(cell);
      throw error;
    }
    return new Dm(this.#parts, await this.#announce(cell));
  }

  async createDmWithIdentifier(
    identifier: PublicIdentifier,
    options: Pick<CreateGroupOptions, "messageDisappearingSettings"> = {},
  ): Promise<Dm> {
    const { api } = this.#parts.context;
    const [inboxId] = await resolveInboxIds(api, [parseIdentifier(identifier)]);
    return this.createDm(inboxId as string, options);
  }

  /** What is stored here, newest first. Sync groups are never shown; of duplicate DMs the one in use is (XDM-05). */
  async list(options: ListConversationsOptions = {}): Promise<(Group | Dm)[]> {
    const cells = await this.#cells(options);
    return cells.map((cell) => this.#conversation(cell));
  }
  async listGroups(options: ListConversationsOptions = {}): Promise<Group[]> {
    const cells = await this.#cells({ ...options, conversationType: ConversationType.Group });
    return cells.map((cell) => this.#group(cell));
  }
  async listDms(options: ListConversationsOptions = {}): Promise<Dm[]> {
    const cells = await this.#cells({ ...options, conversationType: ConversationType.Dm });
    return cells.map((cell) => new Dm(this.#parts, cell));
  }

  /** Reads welcomes: conversations that others have put us into. */
  async sync(): Promise<void> {
    await this.#parts.welcomes.sync();
  }

  /** XIN-20: welcomes, then every conversation that has news. */
  async syncAll(
    consentStates?: readonly ConsentState[],
  ): Promise<{ readonly numEligible: number; readonly numSynced: number }> {
    const { context, groups, engine } = this.#parts;
    await this.sync();
    const eligible: Cell[] = [];
    for (const cell of await groups.all()) {
      if (!cell.record.active || cell.record.conversationType === "oneshot") continue;
      const wanted = consentStates ?? [ConsentState.Allowed, ConsentState.Unknown];
      if (cell.record.conversationType !== "sync" && !wanted.includes(await this.#consent(cell))) {
        continue;
      }
      eligible.push(cell);
    }
    let numSynced = 0;
    for (let at = 0; at < eligible.length; at += 100) {
      const chunk = eligible.slice(at, at + 100);
      const newest = await context.api.newestMessages(chunk.map(({ id }) => id));
      const due: Cell[] = [];
      for (const [i, cell] of chunk.entries()) {
        const last = newest[i];
        const behind = await groups.exclusive(cell, async ({ state: { progress, intents } }) => {
          const cursor = last?.isCommit ? progress.commitCursor : progress.messageCursor;
          return intents.length > 0 || (last !== undefined && last.sequenceId > cursor);
        });
        if (behind) due.push(cell);
      }
      await eachLimited(due, 10, async (cell) => {
        await engine.sync(cell);
        numSynced += 1;
      });
    }
    return { numEligible: eligible.length, numSynced };
  }

  async getConversationById(id: string): Promise<Group | Dm | undefined> {
    const cell = await this.#parts.groups.find(id);
    return cell && isShown(cell) ? this.#conversation(cell) : undefined;
  }

  async getDmByInboxId(inboxId: string): Promise<Dm | undefined> {
    const dmId = dmIdOf(this.#parts.context.inboxId, inboxId);
    const cells = await this.#cells({ conversationType: ConversationType.Dm });
    const cell = cells.find(({ record }) => record.dmId === dmId);
    return cell && new Dm(this.#parts, cell);
  }

  async fetchDmByIdentifier(identifier: PublicIdentifier): Promise<Dm | undefined> {
    const { api } = this.#parts.context;
    const [inboxId] = await resolveInboxIds(api, [parseIdentifier(identifier)]);
    return this.getDmByInboxId(inboxId as string);
  }

  async getMessageById(id: string): Promise<DecodedMessage | undefined> {
    const row = await readMessage(this.#parts.context.ports.store, id);
    return row && decodeMessage(row, this.#parts.codecs);
  }

  /** Conversations as they come (XST-01). */
  stream(
    options: StreamOptions<Group | Dm> & { readonly conversationType?: ConversationType } = {},
  ): AsyncStreamProxy<Group | Dm> {
    return streamConversations(
      this.#parts,
      (cell) => {
        const type = typeOf[cell.record.conversationType];
        if (!isShown(cell)) return undefined;
        if (options.conversationType !== undefined && options.conversationType !== type) {
          return undefined;
        }
        return this.#conversation(cell);
      },
      options,
    );
  }
  streamGroups(options: StreamOptions<Group | Dm> = {}): AsyncStreamProxy<Group | Dm> {
    return this.stream({ ...options, conversationType: ConversationType.Group });
  }
  streamDms(options: StreamOptions<Group | Dm> = {}): AsyncStreamProxy<Group | Dm> {
    return this.stream({ ...options, conversationType: ConversationType.Dm });
  }

  /** Messages of all conversations, those of the future included (XST-04). */
  streamAllMessages(options: StreamAllOptions = {}): AsyncStreamProxy<DecodedMessage> {
    const wantedConsent = options.consentStates ?? [ConsentState.Allowed, ConsentState.Unknown];
    return streamAllMessages<DecodedMessage>(this.#parts, {
      wanted: async (cell) => {
        if (!isShown(cell)) return false;
        const type = typeOf[cell.record.conversationType];
        if (options.conversationType !== undefined && options.conversationType !== type) {
          return false;
        }
        return wantedConsent.includes(await this.#consent(cell));
      },
      toValue: (row) => decodeMessage(row, this.#parts.codecs),
      options,
    });
  }
  streamAllGroupMessages(options: StreamAllOptions = {}): AsyncStreamProxy<DecodedMessage> {
    return this.streamAllMessages({ ...options, conversationType: ConversationType.Group });
  }
  streamAllDmMessages(options: StreamAllOptions = {}): AsyncStreamProxy<DecodedMessage> {
    return this.streamAllMessages({ ...options, conversationType: ConversationType.Dm });
  }

  /** XPU-05, by group id. */
  async hmacKeys(): Promise<Record<string, HmacKey[]>> {
    const out: Record<string, HmacKey[]> = {};
    for (const cell of await this.#parts.groups.all()) {
      if (isShown(cell)) out[cell.id] = await this.#conversation(cell).hmacKeys();
    }
    return out;
  }

  /** XPU-08: a pushed WelcomeMessage. Answers with the conversations that came of it. */
  async processStreamedWelcomeMessage(bytes: Uint8Array): Promise<Conversation[]> {
    if (WelcomeMessage.decode(bytes).kind === "unset") return [];
    const cells = await this.#parts.welcomes.sync();
    return cells.filter(isShown).map((cell) => this.#conversation(cell));
  }

  async #create(
    conversationType: "group" | "dm",
    policy: PolicySet,
    attributes: ReadonlyMap<string, string>,
    dmPeer?: string,
  ): Promise<Cell> {
    const { context, groups } = this.#parts;
    return createConversation(context, groups, { conversationType, policy, attributes, dmPeer });
  }

  /** XCO-02; streams show it from now on. */
  async #announce(cell: Cell): Promise<Cell> {
    const { context } = this.#parts;
    const { setConsent } = context.preferences;
    await setConsent(ConsentEntityType.GroupId, cell.id, ConsentState.Allowed);
    context.bus.emit([{ kind: "conversation", groupId: cell.id }]);
    return cell;
  }

  #consent(cell: Cell): Promise<ConsentState> {
    return this.#parts.context.preferences.getConsent(ConsentEntityType.GroupId, cell.id);
  }

  #group(cell: Cell): Group {
    return new Group(this.#parts, cell);
  }
  #conversation(cell: Cell): Group | Dm {
    return cell.record.conversationType === "dm" ? new Dm(this.#parts, cell) : this.#group(cell);
  }

  async #cells(options: ListConversationsOptions): Promise<Cell[]> {
    const { groups } = this.#parts;
    const cells: { cell: Cell; activity: bigint }[] = [];
    for (const cell of await groups.all()) {
      const { record } = cell;
      const type = typeOf[record.conversationType];
      if (!isShown(cell)) continue;
      if (options.conversationType !== undefined && options.conversationType !== type) continue;
      if (options.createdAfterNs !== undefined && record.createdAtNs <= options.createdAfterNs) {
        continue;
      }
      if (options.createdBeforeNs !== undefined && record.createdAtNs >= options.createdBeforeNs) {
        continue;
      }
      if (options.consentStates && !options.consentStates.includes(await this.#consent(cell))) {
        continue;
      }
      cells.push({ cell, activity: await groups.lastActivityNs(cell) });
    }
    const byActivity = (a: { activity: bigint }, b: { activity: bigint }): number =>
      a.activity === b.activity ? 0 : a.activity > b.activity ? -1 : 1;
    const shown =
      options.includeDuplicateDms === true ? cells : withoutDuplicates(cells.toSorted(byActivity));
    const key = (entry: { cell: Cell; activity: bigint }): bigint =>
      options.orderBy === 1 ? entry.activity : entry.cell.record.createdAtNs;
    const ordered = shown.toSorted((a, b) => (key(a) === key(b) ? 0 : key(a) > key(b) ? -1 : 1));
    return ordered.slice(0, options.limit ?? ordered.length).map(({ cell }) => cell);
  }
}

function isShown({ record }: Cell): boolean {
  return record.conversationType === "group" || record.conversationType === "dm";
}

/** XDM-05: of several DMs with one person the first given, active ones before all others. */
function withoutDuplicates<T extends { readonly cell: Cell }>(cells: readonly T[]): T[] {
  const best = new Map<string, T>();
  for (const entry of cells) {
    const { dmId, active, membershipState } = entry.cell.record;
    const id = dmId ?? entry.cell.id;
    const other = best.get(id);
    const usable = active && membershipState !== "restored";
    if (!other || (usable && !other.cell.record.active)) best.set(id, entry);
  }
  return [...best.values()];
}
