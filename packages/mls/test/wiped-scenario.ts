import { fromHex, invariant, toHex, toUtf8, wipe } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { opensslProvider } from "@coterie/crypto/openssl";
import {
  acceptAll,
  adopt,
  commit,
  createGroup,
  createKeyPackage,
  discard,
  join,
  peekMessage,
  process,
  propose,
  seal,
  snapshot,
  snapshotChanges,
} from "../src/index.ts";
import type { Group, OwnKeyPackage, PendingCommit } from "../src/index.ts";
import { deterministicProvider, suite3 } from "./deterministic.ts";

/** What bob is to do next. The bytes are what everybody may see. */
export type Order =
  | { readonly kind: "join"; readonly welcome: string }
  | { readonly kind: "take"; readonly message: string }
  | { readonly kind: "say" | "commit" | "adopt" | "discard" | "update" };

const capabilities = {
  versions: [1],
  cipherSuites: [3],
  extensions: [],
  proposals: [],
  credentials: [1],
};
const lifetime = { notBefore: 0n, notAfter: 2n ** 40n };
const psk = fromHex("5e".repeat(32));

function somebody(crypto: CryptoProvider, name: string) {
  return {
    crypto,
    cipherSuite: suite3,
    capabilities,
    lifetime,
    signer: crypto.generateSigner("ed25519"),
    credential: { kind: "basic" as const, identity: toUtf8(name) },
  };
}

/**
 * A member that does as its users are told to: stores what changed, and then wipes what was spent. `keep` is a user that forgets to wipe one
 * secret, once in a buffer and once in a string, for the test to be found out by.
 */
export function createBob(
  crypto: CryptoProvider,
  keep = false,
): {
  readonly keyPackage: OwnKeyPackage["keyPackage"];
  follow(order: Order): Uint8Array | undefined;
  readonly store: Map<string, Uint8Array>;
  readonly kept: unknown[];
  secretsInUse(): string;
} {
  const who = somebody(crypto, "bob");
  let own: OwnKeyPackage | undefined = createKeyPackage(who);
  const { keyPackage } = own;
  const { signer } = who;
  const store = new Map<string, Uint8Array>();
  const kept: unknown[] = [];
  let group: Group | undefined;
  let pending: PendingCommit | undefined;

  const advance = (next: Group, spent: readonly Uint8Array[]): void => {
    const { puts, deletes } = snapshotChanges(group, next);
    for (const key of deletes) {
      store.get(key)?.fill(0);
      store.delete(key);
    }
    for (const [key, bytes] of puts) {
      store.get(key)?.fill(0);
      store.set(key, bytes);
    }
    group = next;
    if (keep && kept.length === 0 && spent[0]) {
      // In one piece: V8 would keep what `toHex` adds up in pieces, until somebody reads it.
      kept.push(
        spent[0].slice(),
        Array.from(spent[0], (byte) => toHex(Uint8Array.of(byte))).join(""),
      );
    }
    wipe(...spent);
  };
  const now = (): Group => {
    invariant(group, "joined");
    return group;
  };

  const follow = (order: Order): Uint8Array | undefined => {
    switch (order.kind) {
      case "join": {
        invariant(own, "not joined yet");
        const welcome = fromHex(order.welcome);
        const input = { crypto, welcome, keyPackages: [own] };
        expectNothing(join({ ...input, judge: () => ({ kind: "refuse", code: "no" }) }).kind);
        const joined = join({ ...input, judge: acceptAll });
        if (joined.kind !== "joined") throw new Error(joined.kind);
        advance(joined.group, joined.spent);
        // Once the join is stored, nobody needs the key package's secrets.
        wipe(own.secrets.initKey.privateKey, own.secrets.encryptionKey.privateKey);
        own = undefined;
        return undefined;
      }
      case "take": {
        const message = fromHex(order.message);
        const psks = () => psk.slice();
        const input = { crypto, group: now(), psks };
        // Refused at the end of its content, then waited for, and only then taken.
        const bent = message.with(message.length - 1, (message.at(-1) as number) ^ 1);
        expectNothing(process({ ...input, message: bent, judge: acceptAll }).kind);
        if (peekMessage(message).contentType === "commit") {
          const judge = () => ({ kind: "wait" as const, for: "a while" });
          expectNothing(process({ ...input, message, judge }).kind);
        }
        const result = process({ ...input, message, judge: acceptAll });
        if (result.kind === "refused") throw result.reason;
        invariant("group" in result, "a step forward");
        advance(result.group, result.spent);
        return undefined;
      }
      case "say": {
        const sent = seal({ crypto, group: now(), signer, plaintext: toUtf8("bob says") });
        advance(sent.group, sent.spent);
        return sent.message;
      }
      case "commit": {
        const made = commit({ crypto, group: now(), signer });
        ({ pending } = made);
        advance(made.group, made.spent);
        return made.message;
      }
      case "adopt": {
        invariant(pending, "committed");
        const adopted = adopt({ group: now(), pending });
        advance(adopted.group, adopted.spent);
        pending = undefined;
        return undefined;
      }
      case "discard": {
        invariant(pending, "committed");
        wipe(...discard({ group: now(), pending }).spent);
        pending = undefined;
        return undefined;
      }
      case "update": {
        const sent = propose({ crypto, group: now(), signer, proposal: { kind: "update" } });
        advance(sent.group, sent.spent);
        return sent.message;
      }
    }
  };
  const secretsInUse = (): string =>
    [...snapshot(now()).values(), signer.privateKey].map(toHex).join(" ");
  return { keyPackage, follow, store, kept, secretsInUse };
}

function expectNothing(kind: string): void {
  invariant(kind === "refused" || kind === "waiting", `nothing taken, not ${kind}`);
}

/** What bob is ordered, as ada and cyd let it come about. Both stay out of bob's process. */
export function tellStory(bob: ReturnType<typeof createBob>): Order[] {
  const crypto = deterministicProvider(opensslProvider, "the others");
  const orders: Order[] = [];
  const ada = somebody(crypto, "ada");
  const cyd = somebody(crypto, "cyd");
  const cydsKeys = createKeyPackage(cyd);
  let adas = createGroup({ ...ada, groupId: toUtf8("wiped") });
  const founded = commit({
    crypto,
    group: adas,
    signer: ada.signer,
    forcePath: true,
    proposals: [bob, cydsKeys].map(({ keyPackage }) => ({ kind: "add", keyPackage })),
  });
  adas = adopt(founded).group;
  const { welcome } = founded;
  invariant(welcome, "two were added");
  const joined = join({ crypto, welcome, keyPackages: [cydsKeys], judge: acceptAll });
  invariant(joined.kind === "joined", "joined");
  let cyds = joined.group;
  const psks = () => psk.slice();

  const order = (what: Order): Uint8Array | undefined => {
    orders.push(what);
    return bob.follow(what);
  };
  const take = (group: Group, message: Uint8Array | undefined): Group => {
    invariant(message, "something to take");
    const result = process({ crypto, group, message, judge: acceptAll, psks });
    if (result.kind === "refused") throw result.reason;
    return "group" in result ? result.group : group;
  };
  const all = (message: Uint8Array): void => {
    order({ kind: "take", message: toHex(message) });
  };
  const adaSays = (): Uint8Array => {
    const sent = seal({ crypto, group: adas, signer: ada.signer, plaintext: toUtf8("ada says") });
    adas = sent.group;
    return sent.message;
  };
  const adaCommits = (more: Partial<Parameters<typeof commit>[0]> = {}): Uint8Array => {
    const { signer } = ada;
    const made = commit({ crypto, group: adas, signer, psks, references: "all", ...more });
    adas = adopt(made).group;
    cyds = take(cyds, made.message);
    return made.message;
  };
  const cydCommits = (): Uint8Array => {
    const made = commit({ crypto, group: cyds, signer: cyd.signer });
    cyds = adopt(made).group;
    adas = take(adas, made.message);
    return made.message;
  };

  order({ kind: "join", welcome: toHex(welcome) });
  const said = Array.from({ length: 9 }, adaSays);
  // Out of order, one never heard, one too late for the window.
  for (const i of [1, 0, 3, 8]) all(said[i] as Uint8Array);
  for (let i = 0; i < 2; i++) adas = take(adas, order({ kind: "say" }));
  all(cydCommits());
  const first = order({ kind: "commit" });
  invariant(first, "a commit");
  order({ kind: "adopt" });
  [adas, cyds] = [take(adas, first), take(cyds, first)];
  const update = order({ kind: "update" });
  [adas, cyds] = [take(adas, update), take(cyds, update)];
  all(adaCommits());
  // A commit that loses against cyd's.
  order({ kind: "commit" });
  order({ kind: "discard" });
  all(cydCommits());
  const nonce = crypto.bytes(32);
  const external = { kind: "external", pskId: toUtf8("psk"), nonce } as const;
  all(adaCommits({ proposals: [{ kind: "psk", psk: external }] }));
  all(adaSays());
  for (let i = 0; i < 4; i++) {
    all(cydCommits());
    all(adaSays());
  }
  return orders;
}
