import { IdentityError } from "@coterie/identity";
import type { SmartContractVerifier } from "@coterie/identity";
import type { Api } from "./api.ts";

type ContractAnswer = Awaited<ReturnType<Api["verifyContractSignatures"]>>[number];

/** What one request may ask about: each is a call to a chain. */
const atOnce = 100;

/** Contract wallets by the word of the node (XID-12), which asks their chains. */
export function nodeContractVerifier(
  api: Pick<Api, "verifyContractSignatures">,
): SmartContractVerifier {
  return {
    async verify(checks) {
      const answers: ContractAnswer[] = [];
      for (let at = 0; at < checks.length; at += atOnce) {
        answers.push(...(await api.verifyContractSignatures(checks.slice(at, at + atOnce))));
      }
      return checks.map(({ chainId }, i) => {
        const answer = answers[i];
        const reason = answer?.error?.slice(0, 200);
        // A node that could not ask says no as well, and why (XND-25): that is no verdict, and must not end the log of an honest inbox.
        if (answer === undefined || (!answer.isValid && reason)) {
          throw new IdentityError("identity/contract-check-missing", {
            rule: "XID-12",
            chainId,
            reason,
          });
        }
        return { isValid: answer.isValid, blockNumber: answer.blockNumber };
      });
    },
  };
}
