import { toUtf8 } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { expect, test } from "vitest";
import {
  acceptAll,
  commit,
  encodeMlsMessage,
  exportGroupInfo,
  join,
  joinByCommit,
  process,
} from "../src/index.ts";
import type { FramedContent, MlsMessage, Sender } from "../src/index.ts";
import { sealPrivateMessage } from "../src/protect.ts";
import { signAsMember } from "../src/send.ts";
import { bytesOf, publicMessage } from "./forge.ts";
import { capabilities, crypto, groupId, groupOfPeople, keyPackageOf, person } from "./people.ts";
import type { Person } from "./people.ts";

// What it costs to refuse a message that was made to cost. Counted in calls of the provider, which are the same on every machine; the time
// is only printed.

function counted(): { crypto: CryptoProvider; calls: Record<string, number> } {
  const calls: Record<string, number> = {};
  const wrapped = Object.fromEntries(
    Object.entries(crypto).map(([name, call]) => [
      name,
      typeof call !== "function"
        ? call
        : (...args: never[]) => {
            calls[name] = (calls[name] ?? 0) + 1;
            return (call as (...all: never[]) => unknown)(...args);
          },
    ]),
  );
  return { crypto: wrapped as unknown as CryptoProvider, calls };
}

const names = Array.from({ length: 64 }, (_, i) => `p${i}`);
const people = groupOfPeople(names);
const [ada, bob] = people as [Person, Person];
const before = bytesOf(bob.group);

/** Runs it once for the count, and a few times for the shortest time. */
function cost(
  name: string,
  run: (provider: CryptoProvider) => { kind: string },
): {
  kind: string;
  calls: Record<string, number>;
} {
  const { crypto: provider, calls } = counted();
  const { kind } = run(provider);
  const times = Array.from({ length: 20 }, () => {
    const started = performance.now();
    run(crypto);
    return performance.now() - started;
  });
  console.log(`crafted: ${name}: ${Math.min(...times).toFixed(3)} ms`);
  return { kind, calls };
}

const take = (message: Uint8Array) => (provider: CryptoProvider) =>
  process({ crypto: provider, group: bob.group, message, judge: acceptAll });

const nothing = new Uint8Array(0);

function privateMessage(change: Partial<Parameters<typeof header>[0]>): Uint8Array {
  return encodeMlsMessage(header({ epoch: 1n, length: 100, sealed: 28, ...change }));
}

function header(what: { epoch: bigint; length: number; sealed: number }): MlsMessage {
  return {
    kind: "private",
    message: {
      groupId,
      epoch: what.epoch,
      contentType: "application",
      authenticatedData: nothing,
      encryptedSenderData: new Uint8Array(what.sealed),
      ciphertext: new Uint8Array(what.length),
    },
  };
}

test("an epoch that is not ours costs no cryptography, whatever its number", () => {
  for (const epoch of [0n, 2n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) {
    const { kind, calls } = cost(`epoch ${epoch}`, take(privateMessage({ epoch })));
    expect(kind).toBe("ignored");
    expect(calls).toEqual({});
  }
});

test("a length that is not there costs no cryptography", () => {
  const whole = privateMessage({});
  // The group id's length, in a form that claims a billion bytes.
  const claims = new Uint8Array([...whole.slice(0, 4), 0xbf, 0xff, 0xff, 0xff, ...whole.slice(5)]);
  const { kind, calls } = cost("a group id of a billion bytes", take(claims));
  expect(kind).toBe("refused");
  expect(calls).toEqual({});
});

test("sender data that does not open costs one key, one nonce and one try", () => {
  for (const sealed of [0, 15, 28, 4_000]) {
    const { kind, calls } = cost(
      `sender data of ${sealed} bytes`,
      take(privateMessage({ sealed })),
    );
    expect(kind).toBe("refused");
    expect(calls).toEqual({ hkdfExpand: 2, aeadOpen: 1 });
  }
});

/** As only a member can: it knows the sender data secret. */
function fromMember(leafIndex: number, generation: number): Uint8Array {
  const { group, signer } = ada;
  const content = { kind: "application", data: toUtf8("x") } as const;
  const wireFormat = "private";
  const input = { crypto, group, signer, wireFormat, content, authenticatedData: nothing } as const;
  const message = sealPrivateMessage(crypto, group.suite, {
    message: signAsMember(input),
    leafIndex,
    key: { generation, key: new Uint8Array(32), nonce: new Uint8Array(12) },
    senderDataSecret: group.state.secrets.senderData,
    padding: 0,
  });
  return encodeMlsMessage({ kind: "private", message });
}

test("a leaf that nobody has costs what sender data costs", () => {
  for (const leafIndex of [64, 0x7fffffff, 0x80000000, 0xffffffff]) {
    const { kind, calls } = cost(`leaf ${leafIndex}`, take(fromMember(leafIndex, 0)));
    expect(kind).toBe("refused");
    expect(calls).toEqual({ hkdfExpand: 2, aeadOpen: 1 });
  }
});

test("a generation too far ahead costs the way down the secret tree, and no step of the ratchet", () => {
  for (const generation of [1_001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]) {
    const { kind, calls } = cost(`generation ${generation}`, take(fromMember(0, generation)));
    expect(kind).toBe("refused");
    // Sender data; two children on each of six levels; two ratchets.
    expect(calls).toEqual({ hkdfExpand: 2 + 2 * 6 + 2, aeadOpen: 1 });
  }
});

const made = commit({ crypto, group: ada.group, signer: ada.signer, wireFormat: "public" });

function publicFrom(sender: Sender, alter: (content: FramedContent) => FramedContent): Uint8Array {
  const { content, auth, membershipTag } = publicMessage(made.message);
  return encodeMlsMessage({
    kind: "public",
    message: {
      content: alter({ ...content, sender }),
      auth,
      membershipTag: sender.kind === "member" ? membershipTag : undefined,
    },
  });
}
const same = (content: FramedContent): FramedContent => content;

test("a PublicMessage without the membership key costs one MAC and no signature", () => {
  for (const leafIndex of [0, 1, 63, 0xffffffff]) {
    const altered = publicFrom({ kind: "member", leafIndex }, (content) => ({
      ...content,
      authenticatedData: toUtf8("altered"),
    }));
    const { kind, calls } = cost(`forged commit of leaf ${leafIndex}`, take(altered));
    expect(kind).toBe("refused");
    expect(calls).toEqual({ hmac: 1 });
  }
});

test("whoever is not listed costs nothing, and whoever signs wrongly one signature", () => {
  const external = publicFrom({ kind: "external", senderIndex: 0xffffffff }, same);
  expect(cost("external sender 0xffffffff", take(external))).toMatchObject({
    kind: "refused",
    calls: {},
  });
  const newcomer = publicFrom({ kind: "new-member-commit" }, same);
  expect(cost("external commit signed wrongly", take(newcomer))).toMatchObject({
    kind: "refused",
    calls: { verify: 1 },
  });
});

test("a Welcome for somebody else costs the references of our own key packages", () => {
  const own = keyPackageOf(person("dan"));
  const secret = {
    newMember: new Uint8Array(32),
    encryptedGroupSecrets: { kemOutput: new Uint8Array(32), ciphertext: new Uint8Array(48) },
  };
  const secrets = Array.from({ length: 1_000 }, () => secret);
  const encryptedGroupInfo = new Uint8Array(4_000);
  const welcome = encodeMlsMessage({
    kind: "welcome",
    welcome: { cipherSuite: 3, secrets, encryptedGroupInfo },
  });
  const { kind, calls } = cost("a Welcome for a thousand others", (provider) =>
    join({ crypto: provider, welcome, keyPackages: [own], judge: acceptAll }),
  );
  expect(kind).toBe("refused");
  expect(calls).toEqual({ hash: 1 });
});

test("a GroupInfo signed wrongly costs one signature, before its tree is hashed or its leaves are verified", () => {
  const { signer, credential } = person("dan");
  const groupInfo = exportGroupInfo({ crypto, group: ada.group, signer: bob.signer });
  const { kind, calls } = cost("a GroupInfo of 64 members signed wrongly", (provider) =>
    joinByCommit({
      crypto: provider,
      groupInfo,
      signer,
      credential,
      capabilities,
      judge: acceptAll,
    }),
  );
  expect(kind).toBe("refused");
  expect(calls).toEqual({ verify: 1 });
});

test("none of this changed the group", () => {
  expect(bytesOf(bob.group)).toEqual(before);
  expect(process({ crypto, group: bob.group, message: made.message, judge: acceptAll }).kind).toBe(
    "committed",
  );
});
