import { equal, toUtf8 } from "@coterie/base";
import { snapshot } from "@coterie/mls";
import type { Group } from "@coterie/mls";
import { expect, test } from "vitest";
import {
  admit,
  applyCommit,
  change,
  foundGroup,
  joinByWelcome,
  offerKeyPackage,
  openBlob,
  sealBlob,
} from "../src/core/mls-profile.ts";
import { createSessionMls } from "../src/core/mls-state.ts";
import type { Context } from "../src/core/model.ts";
import { createWorld } from "./world.ts";

const aad = toUtf8("a header");

/** Which entries of the group that was there before a step read differently after it: what was overwritten. */
function overwritten(mls: { group: Group | undefined }, step: () => void): string[] {
  const before = mls.group as Group;
  const kept = snapshot(before);
  step();
  expect(mls.group).not.toBe(before);
  const now = snapshot(before);
  return [...kept]
    .filter(([key, value]) => !equal(now.get(key) ?? new Uint8Array(0), value))
    .map(([key]) => key.split("/")[0] as string)
    .toSorted();
}

test("SML-41: what messages and commits use up is overwritten, in the group and in what was offered", () => {
  const world = createWorld();
  const [alice, bob] = ["alice", "bob"].map((name) => {
    const { parts } = world.app(`agntcy/ns/${name}`);
    const context = { parts, now: 0 } as Context;
    return {
      context,
      mls: createSessionMls(),
      token: parts.verifier.verify(parts.identity.token()),
    };
  }) as [Side, Side];
  foundGroup(alice.context, alice.mls);
  const bytes = offerKeyPackage(bob.context, bob.mls);
  const { secrets } = bob.mls.offers[0]!.keyPackage;
  const { keyPackage } = admit(alice.context, alice.mls, bytes, bob.token);
  let made: ReturnType<typeof change> | undefined;
  const commitOne = (what: Parameters<typeof change>[2]) => () => {
    made = change(alice.context, alice.mls, what);
  };
  expect(overwritten(alice.mls, commitOne({ add: keyPackage }))).toContain("epoch");
  joinByWelcome(bob.context, bob.mls, made!.welcome!, alice.token);
  for (const { privateKey } of [secrets.initKey, secrets.encryptionKey]) {
    expect(privateKey.every((byte) => byte === 0)).toBe(true);
  }

  for (const text of ["one", "two"]) {
    let blob = new Uint8Array(0);
    const plaintext = toUtf8(text);
    const sealing = (): void => {
      blob = new Uint8Array(sealBlob(alice.context, alice.mls, plaintext, aad));
    };
    expect(overwritten(alice.mls, sealing)).not.toEqual([]);
    const opening = (): void => {
      const opened = openBlob(bob.context, bob.mls, blob, aad, alice.token);
      expect(opened).toMatchObject({ kind: "opened", plaintext });
    };
    expect(overwritten(bob.mls, opening)).not.toEqual([]);
  }

  expect(overwritten(alice.mls, commitOne({}))).toContain("epoch");
  const applying = (): void => applyCommit(bob.context, bob.mls, made!.commit, alice.token);
  expect(overwritten(bob.mls, applying)).toContain("epoch");
  const blob = sealBlob(bob.context, bob.mls, new Uint8Array(3), aad);
  expect(openBlob(alice.context, alice.mls, blob, aad, bob.token).kind).toBe("opened");
});

interface Side {
  readonly context: Context;
  readonly mls: ReturnType<typeof createSessionMls>;
  readonly token: Parameters<typeof admit>[3];
}
