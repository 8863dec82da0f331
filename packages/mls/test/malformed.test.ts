import { fromHex, toHex } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  commit,
  decodePending,
  encodePending,
  exportGroupInfo,
  join,
  joinByCommit,
  MlsError,
  process,
  propose,
  restoreGroup,
  snapshot,
} from "../src/index.ts";
import type { Group } from "../src/index.ts";
import { bytesOf, retag, publicMessage } from "./forge.ts";
import {
  capabilities,
  commitAll,
  crypto,
  groupOfPeople,
  hear,
  keyPackageOf,
  now,
  person,
  receive,
  say,
} from "./people.ts";
import type { Person } from "./people.ts";
import { seeded } from "./seeded.ts";

const random = seeded(99);

/** Something of a group in every entry: past epochs, used ratchets, skipped keys, proposals. */
function busy(): { ada: Person; bob: Person; cyd: Person } {
  const [ada, bob, cyd] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];
  say(ada, "skipped");
  hear(bob, say(ada, "heard"));
  commitAll(cyd, [ada, bob]);
  hear(bob, say(ada, "heard"));
  const { group, signer } = ada;
  const sent = propose({ crypto, group, signer, proposal: { kind: "update" } });
  ada.group = sent.group;
  for (const who of [bob, cyd]) {
    const result = receive(who, sent.message);
    if (result.kind !== "proposal") throw new Error(result.kind);
    who.group = result.group;
  }
  const own = propose({
    crypto,
    group: bob.group,
    signer: bob.signer,
    proposal: { kind: "update" },
  });
  bob.group = own.group;
  return { ada, bob, cyd };
}

function mutated(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  const changes = 1 + random(3);
  for (let i = 0; i < changes; i++) {
    const at = random(out.length);
    out[at] = random(2) === 0 ? (out[at] as number) ^ (1 << random(8)) : random(256);
  }
  return random(8) === 0 ? out.subarray(0, random(out.length)) : out;
}

const { ada, bob } = busy();
const before = bytesOf(bob.group);
const dan = person("dan");
const kp = keyPackageOf(dan);
const added = commit({
  crypto,
  group: ada.group,
  signer: ada.signer,
  proposals: [{ kind: "add", keyPackage: kp.keyPackage }],
  forcePath: true,
  nowSeconds: now,
});
const messages: Readonly<Record<string, Uint8Array>> = {
  "private commit": added.message,
  "public commit": commit({
    crypto,
    group: ada.group,
    signer: ada.signer,
    wireFormat: "public",
    proposals: [{ kind: "remove", removed: 2 }],
  }).message,
  "private proposal": propose({
    crypto,
    group: ada.group,
    signer: ada.signer,
    proposal: { kind: "remove", removed: 2 },
  }).message,
  "application message": say({ ...ada }, "hello"),
};

/** A typed answer; nothing but an answer; the group to the byte as it was. */
function tryProcess(message: Uint8Array): string {
  const result = process({ crypto, group: bob.group, message, judge: acceptAll });
  if (result.kind === "refused") expect(result.reason).toBeInstanceOf(MlsError);
  return result.kind;
}

for (const [name, message] of Object.entries(messages)) {
  test(`process: a ${name} cut at any byte is an answer, and the group is as it was`, () => {
    for (let length = 0; length < message.length; length++) {
      expect(["refused", "ignored"]).toContain(tryProcess(message.subarray(0, length)));
    }
    expect(bytesOf(bob.group)).toEqual(before);
  });

  test(`process: 1,000 mutations of a ${name}`, () => {
    for (let i = 0; i < 1_000; i++) {
      const changed = mutated(message);
      if (changed.length === message.length && changed.every((b, at) => b === message[at]))
        continue;
      expect(["refused", "ignored"]).toContain(tryProcess(changed));
    }
    expect(bytesOf(bob.group)).toEqual(before);
    expect(["committed", "proposal", "message"]).toContain(tryProcess(message));
  });
}

test("process: 1,000 mutations of a public commit inside valid tags", () => {
  const given = publicMessage(messages["public commit"] as Uint8Array);
  for (let i = 0; i < 1_000; i++) {
    const changed = mutated(messages["public commit"] as Uint8Array);
    let inner;
    try {
      inner = publicMessage(changed);
    } catch {
      continue;
    }
    const { content } = inner;
    if (content.sender.kind !== "member") continue;
    const forged = retag(bob.group, { content, auth: { ...given.auth } });
    if (forged.every((byte, at) => byte === messages["public commit"]?.[at])) continue;
    expect(["refused", "ignored", "own"]).toContain(tryProcess(forged));
  }
  expect(bytesOf(bob.group)).toEqual(before);
});

test("join: a Welcome cut at any byte, and 1,000 mutations of one", () => {
  const welcome = added.welcome as Uint8Array;
  const tryJoin = (bytes: Uint8Array): string => {
    const result = join({ crypto, welcome: bytes, keyPackages: [kp], judge: acceptAll });
    if (result.kind === "refused") expect(result.reason).toBeInstanceOf(MlsError);
    return result.kind;
  };
  for (let length = 0; length < welcome.length; length++) {
    expect(tryJoin(welcome.subarray(0, length))).toBe("refused");
  }
  for (let i = 0; i < 1_000; i++) {
    const changed = mutated(welcome);
    if (changed.every((byte, at) => byte === welcome[at])) continue;
    expect(tryJoin(changed)).toBe("refused");
  }
  expect(tryJoin(welcome)).toBe("joined");
});

test("joinByCommit: a GroupInfo cut at any byte, and 1,000 mutations of one", () => {
  const groupInfo = exportGroupInfo({ crypto, group: ada.group, signer: ada.signer });
  const { signer, credential } = dan;
  const tryJoin = (bytes: Uint8Array): string => {
    const input = { crypto, groupInfo: bytes, signer, credential, capabilities, judge: acceptAll };
    const result = joinByCommit(input);
    if (result.kind === "refused") expect(result.reason).toBeInstanceOf(MlsError);
    return result.kind;
  };
  for (let length = 0; length < groupInfo.length; length += 3) {
    expect(tryJoin(groupInfo.subarray(0, length))).toBe("refused");
  }
  for (let i = 0; i < 1_000; i++) {
    const changed = mutated(groupInfo);
    if (changed.every((byte, at) => byte === groupInfo[at])) continue;
    expect(tryJoin(changed)).toBe("refused");
  }
});

function tryRestore(entries: ReadonlyMap<string, Uint8Array>): Group | undefined {
  try {
    return restoreGroup({ crypto, entries });
  } catch (error) {
    expect(error).toBeInstanceOf(MlsError);
    return undefined;
  }
}

test("restoreGroup: every entry cut at any byte, missing, or one too many is a typed error", () => {
  const whole = snapshot(bob.group);
  expect(new Set([...whole.keys()].map((key) => key.split("/")[0]))).toEqual(
    new Set(["group", "epoch", "past", "ratchet", "node", "proposal"]),
  );
  for (const [key, bytes] of whole) {
    for (let length = 0; length < bytes.length; length++) {
      expect(tryRestore(new Map(whole).set(key, bytes.subarray(0, length)))).toBeUndefined();
    }
    expect(tryRestore(new Map(whole).set(key, new Uint8Array([...bytes, 0])))).toBeUndefined();
    expect(tryRestore(new Map(whole).set(key, bytes.with(0, 2)))).toBeUndefined();
    const without = new Map(whole);
    without.delete(key);
    // A proposal or the oldest epoch that is gone leaves a group without it.
    const optional = key.startsWith("proposal/");
    expect(tryRestore(without) === undefined).toBe(!optional);
  }
  const some = whole.get("epoch") as Uint8Array;
  for (const key of [
    "",
    "epochs",
    "past/x",
    "past/-1",
    "past/01",
    "node/9/0",
    "ratchet/2/0/1",
    "x/y",
  ]) {
    expect(tryRestore(new Map(whole).set(key, some))).toBeUndefined();
  }
});

test("restoreGroup: secrets that do not belong together, and ratchets that are there twice", () => {
  const whole = snapshot(bob.group);
  const epoch = toHex(whole.get("epoch") as Uint8Array);
  const key = toHex(bob.group.state.secrets.confirmationKey);
  const other = epoch.replace(key, "00".repeat(32));
  expect(other).not.toBe(epoch);
  expect(tryRestore(new Map(whole).set("epoch", fromHex(other)))).toBeUndefined();
  const ratchet = [...whole].find(([name]) => name.startsWith("ratchet/2/"))?.[1] as Uint8Array;
  const node = [...whole.keys()].find((name) => name.startsWith("node/2/")) as string;
  const leaf = Math.floor(Number(node.split("/")[2]) / 2);
  expect(whole.has(`ratchet/2/${leaf}`)).toBe(false);
  expect(tryRestore(new Map(whole).set(`ratchet/2/${leaf}`, ratchet))).toBeUndefined();
});

test("restoreGroup and decodePending: 1,000 mutations are a typed error or a value", () => {
  const whole = snapshot(bob.group);
  const keys = [...whole.keys()];
  let values = 0;
  for (let i = 0; i < 1_000; i++) {
    const key = keys[random(keys.length)] as string;
    const group = tryRestore(new Map(whole).set(key, mutated(whole.get(key) as Uint8Array)));
    if (!group) continue;
    values++;
    expect(snapshot(group).size).toBeGreaterThan(0);
    const result = process({
      crypto,
      group,
      message: messages["private commit"] as Uint8Array,
      judge: acceptAll,
    });
    expect(["committed", "refused", "ignored"]).toContain(result.kind);
  }
  expect(values).toBeGreaterThan(0);
  const pending = encodePending(added.pending);
  for (let i = 0; i < 1_000; i++) {
    try {
      decodePending(crypto, mutated(pending));
    } catch (error) {
      expect(error).toBeInstanceOf(MlsError);
    }
  }
  for (let length = 0; length < pending.length; length++) {
    expect(() => decodePending(crypto, pending.subarray(0, length))).toThrow(MlsError);
  }
});
