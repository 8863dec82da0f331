import { equalConstantTime, systemClock, toUtf8 } from "@coterie/base";
import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { createSharedSecretVerifier } from "@coterie/identity/slim";
import type { Admission } from "./southbound.ts";

/**
 * Lets in nodes that show a domain's secret or, as released nodes do, a token made with it that names the node (SCT-01). A hash cannot check
 * tokens, so these secrets are told to the controller anew at every start.
 */
export function domainTokens(
  secrets: ReadonlyMap<string, string>,
  crypto: CryptoProvider,
  clock: Clock = systemClock,
): NonNullable<Admission["verify"]> {
  const domains = new Map(
    [...secrets].map(([domain, secret]) => [
      domain,
      { secret: toUtf8(secret), verifier: createSharedSecretVerifier({ crypto, clock, secret }) },
    ]),
  );
  return (credentials, domain, nodeId) => {
    const found = domains.get(domain);
    if (found === undefined) return false;
    if (equalConstantTime(toUtf8(credentials), found.secret)) return true;
    try {
      return found.verifier.verify(credentials).baseId === `${domain}/${nodeId}`;
    } catch {
      return false;
    }
  };
}
