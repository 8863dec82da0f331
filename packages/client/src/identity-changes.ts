import { beginUpdate, signIdentityText } from "@coterie/identity";
import type { AssociationState, Installation, PlannedAction } from "@coterie/identity";
import type { Context } from "./context.ts";
import { ClientError } from "./errors.ts";
import { withRetry } from "./run.ts";
import { SignatureRequest } from "./signature-request.ts";

/** The newest verified state of the own inbox. Throws `client/not-registered`. */
export async function ownState(context: Context): Promise<AssociationState> {
  await withRetry(context.ports, () => context.identity.refresh([context.inboxId]));
  const state = await context.identity.state(context.inboxId);
  if (!state) throw new ClientError("client/not-registered", { inboxId: context.inboxId });
  return state;
}

/** An update of the own inbox, signed by the own installation where it needs that, and by nobody else yet. */
export function requestChange(
  context: Context,
  installation: Installation,
  actions: readonly PlannedAction[],
): SignatureRequest {
  const { crypto, clock } = context.ports;
  const pending = beginUpdate({
    inboxId: context.inboxId,
    clientTimestampNs: clock.nowNs(),
    actions,
  });
  const own = pending.signers.some(
    (signer) => signer.kind === "installation" && signer.id === context.installationId,
  );
  return new SignatureRequest({
    crypto,
    contracts: context.identity.contracts,
    pending,
    signed: own ? [signIdentityText(crypto, installation, pending.signatureText)] : [],
  });
}

/** Checks the signed update over the newest log (XID-44), publishes it and reads it back. */
export async function publishRequest(
  context: Context,
  request: SignatureRequest,
): Promise<AssociationState> {
  const { identity, api, inboxId } = context;
  if (request.inboxId !== inboxId) {
    throw new ClientError("client/inbox-mismatch", { rule: "XID-22", inboxId });
  }
  const { update, verdicts } = request.complete();
  await identity.refresh([inboxId]);
  await identity.check(update, verdicts);
  await api.publishIdentityUpdate(update);
  return ownState(context);
}
