import { toHex } from "@coterie/base";
import type { InboxId, InstallationId } from "@coterie/base";
import {
  installationMember,
  installationsOf,
  parseIdentifier,
  planAddAccount,
  planChangeRecovery,
  planRevoke,
  planRevokeAllOtherInstallations,
} from "@coterie/identity";
import type { Installation, PlannedAction, PublicIdentifier, Signer } from "@coterie/identity";
import type { Context } from "./context.ts";
import { ClientError } from "./errors.ts";
import { findInboxIds } from "./identifiers.ts";
import { ownState, publishRequest, requestChange } from "./identity-changes.ts";
import type { SignatureRequest } from "./signature-request.ts";

/** Changes of the own inbox: its wallets, its installations, who may revoke them (XID-42, XID-43). */
export interface Accounts {
  /** The change alone, for callers that collect the signatures themselves. */
  readonly request: {
    /** Moves an identifier of another inbox only with the caller's explicit consent. */
    add(identifier: PublicIdentifier, allowInboxReassign: boolean): Promise<SignatureRequest>;
    remove(identifier: PublicIdentifier): Promise<SignatureRequest>;
    changeRecovery(identifier: PublicIdentifier): Promise<SignatureRequest>;
    revoke(installationIds: readonly Uint8Array[]): Promise<SignatureRequest>;
    /** Null where there is no other. */
    revokeAllOthers(): Promise<SignatureRequest | null>;
  };
  /** Publishes what is signed. */
  apply(request: SignatureRequest): Promise<void>;
  add(signer: Signer, allowInboxReassign: boolean): Promise<void>;
  /** Has the own signer sign, and publishes. Null is nothing to do. */
  signAndApply(request: SignatureRequest | null): Promise<void>;
}

export function createAccounts(
  context: Context,
  own: { readonly installation: Installation; readonly signer: Signer | undefined },
): Accounts {
  const { inboxId, installationId } = context;
  const change = (actions: readonly PlannedAction[]): SignatureRequest =>
    requestChange(context, own.installation, actions);

  const request: Accounts["request"] = {
    async add(account, allowInboxReassign) {
      const identifier = parseIdentifier(account);
      const [found] = await findInboxIds(context.api, [identifier]);
      const holder = found as InboxId | undefined;
      if (holder === inboxId && !allowInboxReassign) {
        throw new ClientError("client/account-already-associated", { rule: "XID-42", inboxId });
      }
      const installation = installationId;
      return change(
        planAddAccount({ inboxId, identifier, installation, holder, allowInboxReassign }),
      );
    },
    async remove(identifier) {
      return change(planRevoke(await ownState(context), [parseIdentifier(identifier)]));
    },
    async changeRecovery(identifier) {
      return change(planChangeRecovery(await ownState(context), parseIdentifier(identifier)));
    },
    async revoke(installationIds) {
      if (installationIds.length === 0) {
        throw new ClientError("client/bad-argument", { rule: "XID-43", what: "installation ids" });
      }
      const members = installationIds.map((id) => installationMember(toHex(id) as InstallationId));
      return change(planRevoke(await ownState(context), members));
    },
    async revokeAllOthers() {
      const actions = planRevokeAllOtherInstallations(await ownState(context), installationId);
      return actions && change(actions);
    },
  };

  async function apply(signed: SignatureRequest): Promise<void> {
    const before = await ownState(context);
    const after = new Set(installationsOf(await publishRequest(context, signed)));
    // XPU-07: who was revoked must not know the keys that push servers get from now on.
    if (installationsOf(before).some((id) => !after.has(id))) {
      await context.preferences.cycleHmacRoot();
    }
  }

  return {
    request,
    apply,
    async add(signer, allowInboxReassign) {
      const signing = await request.add(await signer.getIdentifier(), allowInboxReassign);
      await signing.sign(signer);
      await apply(signing);
    },
    async signAndApply(signing) {
      if (signing === null) return;
      if (!own.signer) throw new ClientError("client/signer-unavailable", { rule: "XID-43" });
      await signing.sign(own.signer);
      await apply(signing);
    },
  };
}
