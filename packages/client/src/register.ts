import { beginUpdate, collectSignature, completeUpdate, planRegistration } from "@coterie/identity";
import type { Identifier, Installation, Signer } from "@coterie/identity";
import type { Signature } from "@coterie/wire";
import type { Context } from "./context.ts";
import { ClientError } from "./errors.ts";
import { findInboxIds } from "./identifiers.ts";
import { withRetry } from "./run.ts";

export interface Registration {
  readonly signer: Signer;
  readonly identifier: Identifier;
  readonly installation: Installation;
  readonly nonce?: bigint | undefined;
  /** The installation's signature over an identity text. */
  readonly sign: (text: string) => Signature;
}

/** XID-40, XID-41: GetInboxIds, the log, the key package, the update, and the log again until it shows us. */
export async function registerInstallation(
  context: Context,
  registration: Registration,
): Promise<void> {
  const { api, identity, inboxId, ports } = context;
  const { signer, identifier, installation } = registration;
  const [found] = await findInboxIds(api, [identifier]);
  if (found !== undefined) await identity.refresh([found]);
  const known = found === undefined ? undefined : await identity.state(found);
  const plan = planRegistration({
    crypto: ports.crypto,
    identifier,
    installation: installation.id,
    nonce: registration.nonce,
    known,
    expected: inboxId,
  });
  await context.keyPackages.rotate();
  if (plan.kind === "registered") return;

  const pending = beginUpdate({
    inboxId: plan.inboxId,
    clientTimestampNs: ports.clock.nowNs(),
    actions: plan.actions,
  });
  const { signature, contracts } = await collectSignature({
    crypto: ports.crypto,
    signer,
    text: pending.signatureText,
    contracts: identity.contracts,
  });
  const update = completeUpdate({ crypto: ports.crypto, contracts }, pending, [
    signature,
    registration.sign(pending.signatureText),
  ]);
  // XID-44
  await identity.check(update, contracts);
  await api.publishIdentityUpdate(update);
  await withRetry(ports, async () => {
    await identity.refresh([inboxId]);
    const state = await identity.state(inboxId);
    if (!state?.members.has(`installation:${installation.id}`)) {
      throw new ClientError("client/not-registered", { inboxId }, { disposition: "retry" });
    }
  });
}
