import {
  beginUpdate,
  collectSignature,
  completeUpdate,
  memberKey,
  signIdentityText,
  signerIdentifier,
} from "@coterie/identity";
import type {
  AssociationState,
  ContractVerdict,
  Installation,
  PlannedAction,
  Signer,
} from "@coterie/identity";
import type { Signature } from "@coterie/wire";
import type { Context } from "./context.ts";
import { ClientError } from "./errors.ts";
import { withRetry } from "./run.ts";

export interface IdentityChange {
  readonly actions: readonly PlannedAction[];
  /** Wallets that may be asked; each is asked at most once, and only if the update needs it (XID-05). */
  readonly signers: readonly Signer[];
  readonly installation: Installation;
}

/** The newest verified state of the own inbox. Throws `client/not-registered`. */
export async function ownState(context: Context): Promise<AssociationState> {
  await withRetry(context.ports, () => context.identity.refresh([context.inboxId]));
  const state = await context.identity.state(context.inboxId);
  if (!state) throw new ClientError("client/not-registered", { inboxId: context.inboxId });
  return state;
}

/** One update of the own inbox: signed by everybody it needs, checked here (XID-44), published, and read back. */
export async function publishIdentityChange(
  context: Context,
  change: IdentityChange,
): Promise<AssociationState> {
  const { ports, identity, api, inboxId } = context;
  await identity.refresh([inboxId]);
  const pending = beginUpdate({
    inboxId,
    clientTimestampNs: ports.clock.nowNs(),
    actions: change.actions,
  });
  const needed = new Set(pending.signers.map(memberKey));
  const signatures: Signature[] = [];
  const verdicts = new Map<string, ContractVerdict>();
  if (needed.has(`installation:${context.installationId}`)) {
    signatures.push(signIdentityText(ports.crypto, change.installation, pending.signatureText));
  }
  for (const signer of change.signers) {
    if (!needed.has(memberKey(await signerIdentifier(signer)))) continue;
    const { signature, contracts } = await collectSignature({
      crypto: ports.crypto,
      signer,
      text: pending.signatureText,
      contracts: identity.contracts,
    });
    signatures.push(signature);
    for (const [key, verdict] of contracts) verdicts.set(key, verdict);
  }
  const env = { crypto: ports.crypto, contracts: verdicts };
  const update = completeUpdate(env, pending, signatures);
  await identity.check(update, verdicts);
  await api.publishIdentityUpdate(update);
  return ownState(context);
}

/** XPU-07: who was revoked must not know the keys that push servers get from now on. */
export async function cycleHmacRoot(context: Context): Promise<void> {
  await context.preferences.cycleHmacRoot();
}
