import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  applyUpdate,
  type AssociationState,
  createSignatureCache,
  decodeState,
  diff,
  encodeState,
  IdentityError,
  inboxIdOf,
  type LoggedUpdate,
  memberKey,
  replay,
  stateAt,
  verifyUpdate,
} from "../src/index.ts";
import { type Actor, device, type Draft, passkey, sign, wallet } from "./world.ts";
import type { Identifier } from "../src/index.ts";

const crypto = opensslProvider;
const identifiers: Actor<Identifier>[] = [
  wallet(crypto, 1),
  wallet(crypto, 2),
  passkey(crypto, 21),
];
const actors: Actor[] = [
  ...identifiers,
  device(crypto, 11),
  device(crypto, 12),
  device(crypto, 13),
];
const owner = identifiers[0] as Actor<Identifier>;
const inboxId = inboxIdOf(crypto, owner.id);
const cache = createSignatureCache();

const actor = fc.constantFrom(...actors);
const identifier = fc.constantFrom(...identifiers);
const draft: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ by: actor, added: actor })
      .map(({ by, added }) => ({ add: added.id, by, added })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ member: actor, by: identifier })
      .map(({ member, by }) => ({ revoke: member.id, by })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ to: identifier, by: identifier })
      .map(({ to, by }) => ({ recovery: to.id, by })),
  },
);
const drafts = fc.array(fc.array(draft, { minLength: 1, maxLength: 3 }), { maxLength: 8 });

/** Whatever of the drafts is legal, in order; and what was refused. */
function write(lists: readonly (readonly Draft[])[]): {
  log: LoggedUpdate[];
  states: AssociationState[];
} {
  const log: LoggedUpdate[] = [];
  const states: AssociationState[] = [];
  const first: Draft[] = [{ create: owner.id, signer: owner }];
  for (const [index, list] of [first, ...lists].entries()) {
    const update = verifyUpdate({ crypto, cache }, sign(inboxId, list));
    try {
      states.push(applyUpdate(crypto, states.at(-1), update));
      log.push({ sequenceId: BigInt(3 * index + 1), update });
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
    }
  }
  return { log, states };
}

test("random logs: replay is deterministic, exact and the same with every provider", () => {
  fc.assert(
    fc.property(drafts, (lists) => {
      const { log, states } = write(lists);
      for (const [index, { sequenceId }] of log.entries()) {
        const expected = states[index];
        expect(stateAt(crypto, log, sequenceId)).toEqual(expected);
        expect(replay(nobleProvider, log.slice(0, index + 1))).toEqual(expected);
        expect(decodeState(encodeState(expected as AssociationState))).toEqual(expected);
        expect(() => stateAt(crypto, log, sequenceId + 1n)).toThrow(IdentityError);
      }
    }),
    { seed: 11, numRuns: 25 },
  );
});

test("random logs: every update of the log is refused a second time", () => {
  fc.assert(
    fc.property(drafts, (lists) => {
      const { log, states } = write(lists);
      for (const { update } of log) {
        expect(() => applyUpdate(crypto, states.at(-1), update)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^identity\/(replay|multiple-create)$/),
          }),
        );
      }
    }),
    { seed: 12, numRuns: 25 },
  );
});

test("random logs: nothing leaves without the recovery identifier, and differences add up", () => {
  fc.assert(
    fc.property(drafts, (lists) => {
      const { log, states } = write(lists);
      for (let i = 1; i < states.length; i++) {
        const [before, after] = [states[i - 1], states[i]] as [AssociationState, AssociationState];
        const { added, removed } = diff(before, after);
        const keys = new Set(before.members.keys());
        for (const member of removed) keys.delete(memberKey(member));
        for (const member of added) keys.add(memberKey(member));
        expect(keys).toEqual(new Set(after.members.keys()));
        const recoveries = [before.recovery, after.recovery].map(memberKey);
        const signers = (log[i] as LoggedUpdate).update.actions.flatMap((action) =>
          action.kind === "revoke" || action.kind === "change-recovery"
            ? [memberKey(action.signature.signer)]
            : [],
        );
        if (removed.length > 0 || recoveries[0] !== recoveries[1]) {
          expect(signers).toContain(recoveries[0]);
        }
        expect(after.seen.size).toBeGreaterThan(before.seen.size);
      }
    }),
    { seed: 13, numRuns: 25 },
  );
});
