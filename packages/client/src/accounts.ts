import { toHex } from "@coterie/base";
import type { InboxId, InstallationId } from "@coterie/base";
import {
  installationMember,
  parseIdentifier,
  planAddAccount,
  planChangeRecovery,
  planRevoke,
  planRevokeAllOtherInstallations,
  signerIdentifier,
} from "@coterie/identity";
import type { Installation, PlannedAction, PublicIdentifier, Signer } from "@coterie/identity";
import { decodeKeyPackage } from "@coterie/mls";
import type { Context } from "./context.ts";
import { checkKeyPackage } from "./engine/profile.ts";
import { ownerOf } from "./engine/leaf.ts";
import { ClientError } from "./errors.ts";
import { findInboxIds } from "./identifiers.ts";
import { cycleHmacRoot, ownState, publishIdentityChange } from "./identity-changes.ts";

export interface KeyPackageStatus {
  /** Unix seconds. */
  readonly lifetime?: { readonly notBefore: bigint; readonly notAfter: bigint } | undefined;
  /** A code, where the key package cannot be used. */
  readonly validationError?: string | undefined;
}

/** Changes of the own inbox: its wallets, its installations, who may revoke them (XID-42, XID-43). */
export interface Accounts {
  /** Moves an identifier of another inbox only with the caller's explicit consent. */
  add(signer: Signer, allowInboxReassign?: boolean): Promise<void>;
  remove(identifier: PublicIdentifier): Promise<void>;
  changeRecovery(identifier: PublicIdentifier): Promise<void>;
  revoke(installationIds: readonly Uint8Array[]): Promise<void>;
  revokeAllOthers(): Promise<void>;
  keyPackageStatuses(installationIds: readonly string[]): Promise<Record<string, KeyPackageStatus>>;
}

export function createAccounts(
  context: Context,
  own: { readonly installation: Installation; readonly signer: Signer | undefined },
): Accounts {
  const { installation } = own;
  const wallet = (): Signer => {
    if (!own.signer) throw new ClientError("client/signer-unavailable", { rule: "XID-43" });
    return own.signer;
  };
  const publish = async (
    actions: readonly PlannedAction[],
    signers: readonly Signer[],
  ): Promise<void> => {
    await publishIdentityChange(context, { actions, signers, installation });
  };

  return {
    async add(signer, allowInboxReassign = false) {
      const identifier = await signerIdentifier(signer);
      const [holder] = await findInboxIds(context.api, [identifier]);
      const actions = planAddAccount({
        inboxId: context.inboxId,
        identifier,
        installation: context.installationId,
        holder: holder as InboxId | undefined,
        allowInboxReassign,
      });
      await publish(actions, [signer]);
    },
    async remove(identifier) {
      const state = await ownState(context);
      await publish(planRevoke(state, [parseIdentifier(identifier)]), [wallet()]);
    },
    async changeRecovery(identifier) {
      const state = await ownState(context);
      await publish(planChangeRecovery(state, parseIdentifier(identifier)), [wallet()]);
    },
    async revoke(installationIds) {
      const state = await ownState(context);
      const members = installationIds.map((id) => installationMember(toHex(id) as InstallationId));
      if (members.length === 0) return;
      await publish(planRevoke(state, members), [wallet()]);
      await cycleHmacRoot(context);
    },
    async revokeAllOthers() {
      const state = await ownState(context);
      const actions = planRevokeAllOtherInstallations(state, context.installationId);
      if (!actions) return;
      await publish(actions, [wallet()]);
      await cycleHmacRoot(context);
    },
    async keyPackageStatuses(installationIds) {
      const { crypto, clock } = context.ports;
      const packages = await context.api.fetchKeyPackages(installationIds);
      const out: Record<string, KeyPackageStatus> = {};
      installationIds.forEach((installationId, i) => {
        const bytes = packages[i] ?? new Uint8Array(0);
        try {
          const { leafNode } = decodeKeyPackage(bytes);
          const inboxId = ownerOf(leafNode)?.inboxId ?? "";
          checkKeyPackage(crypto, bytes, { installationId, inboxId, nowNs: clock.nowNs() });
          const { source } = leafNode;
          out[installationId] = source.kind === "key-package" ? { lifetime: source.lifetime } : {};
        } catch (error) {
          const code = (error as { code?: unknown }).code;
          out[installationId] = { validationError: String(code ?? error) };
        }
      });
      return out;
    },
  };
}
