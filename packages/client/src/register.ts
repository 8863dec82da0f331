import { beginUpdate, planRegistration, signIdentityText } from "@coterie/identity";
import type { Identifier, Installation } from "@coterie/identity";
import type { Context } from "./context.ts";
import { ClientError } from "./errors.ts";
import { findInboxIds } from "./identifiers.ts";
import { withRetry } from "./run.ts";
import { SignatureRequest } from "./signature-request.ts";

export interface Registration {
  readonly identifier: Identifier;
  readonly installation: Installation;
  readonly nonce?: bigint | undefined;
}

/** XID-40: what the identifier has to sign, or null where the inbox has the installation already. */
export async function requestRegistration(
  context: Context,
  registration: Registration,
): Promise<SignatureRequest | null> {
  const { api, identity, inboxId } = context;
  const { crypto, clock } = context.ports;
  const { identifier, installation, nonce } = registration;
  const [found] = await findInboxIds(api, [identifier]);
  if (found !== undefined) await identity.refresh([found]);
  const known = found === undefined ? undefined : await identity.state(found);
  const plan = planRegistration({
    crypto,
    identifier,
    installation: installation.id,
    nonce,
    known,
    expected: inboxId,
  });
  if (plan.kind === "registered") return null;
  const pending = beginUpdate({
    inboxId: plan.inboxId,
    clientTimestampNs: clock.nowNs(),
    actions: plan.actions,
  });
  return new SignatureRequest({
    crypto,
    contracts: identity.contracts,
    pending,
    registers: true,
    signed: [signIdentityText(crypto, installation, pending.signatureText)],
  });
}

/** XID-41: the key package, the update, and the log again until it shows us. Null where there was nothing to sign. */
export async function registerInstallation(
  context: Context,
  request: SignatureRequest | null,
): Promise<void> {
  const { api, identity, inboxId, installationId, ports } = context;
  const signed = request?.complete();
  // XID-44
  if (signed) await identity.check(signed.update, signed.verdicts);
  await context.keyPackages.rotate();
  if (signed === undefined) return;
  await api.publishIdentityUpdate(signed.update);
  await withRetry(ports, async () => {
    await identity.refresh([inboxId]);
    const state = await identity.state(inboxId);
    if (!state?.members.has(`installation:${installationId}`)) {
      throw new ClientError("client/not-registered", { inboxId }, { disposition: "retry" });
    }
  });
}
