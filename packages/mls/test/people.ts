import { invariant, toUtf8 } from "@coterie/base";
import { cipherSuites } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { opensslProvider } from "@coterie/crypto/openssl";
import {
  acceptAll,
  adopt,
  commit,
  createGroup,
  createKeyPackage,
  join,
  process,
  seal,
} from "../src/index.ts";
import type {
  Capabilities,
  CommitInput,
  CommitOutput,
  Credential,
  Extension,
  Group,
  GroupOptions,
  OwnKeyPackage,
  Processed,
} from "../src/index.ts";

export const crypto: CryptoProvider = opensslProvider;
export const now = 1_700_000_000n;
export const lifetime = { notBefore: now - 3_600n, notAfter: now + 86_400n };
export const groupId: Uint8Array = new Uint8Array(16).fill(0x47);

export const capabilities: Capabilities = {
  versions: [1, 0x1a1a],
  cipherSuites: [1, 2, 3, 0x0042, 0xf042],
  extensions: [0xff00, 0xff01, 10, 0x2a2a],
  // Default types may be listed (XKP-04), though RFC 9420 does without.
  proposals: [7, 0xff07, 0x3a3a],
  credentials: [1, 0x4a4a],
};

/** Somebody with a signing key who may be in a group. */
export interface Person {
  readonly name: string;
  readonly suite: CipherSuite;
  readonly signer: KeyPair;
  readonly credential: Credential;
  group: Group;
}

export function suite(id = 3): CipherSuite {
  const found = cipherSuites.get(id);
  invariant(found, "a known suite");
  return found;
}

const nobody = undefined as unknown as Group;

export function person(name: string, suiteId = 3, provider: CryptoProvider = crypto): Person {
  const ofSuite = suite(suiteId);
  return {
    name,
    suite: ofSuite,
    signer: provider.generateSigner(ofSuite.signature),
    credential: { kind: "basic", identity: toUtf8(name) },
    group: nobody,
  };
}

export function creator(
  name: string,
  choices: {
    readonly suiteId?: number;
    readonly extensions?: readonly Extension[];
    readonly options?: Partial<GroupOptions>;
    readonly capabilities?: Capabilities;
    readonly crypto?: CryptoProvider;
  } = {},
): Person {
  const who = person(name, choices.suiteId, choices.crypto);
  who.group = createGroup({
    crypto: choices.crypto ?? crypto,
    cipherSuite: who.suite,
    groupId,
    signer: who.signer,
    credential: who.credential,
    capabilities: choices.capabilities ?? capabilities,
    lifetime,
    extensions: choices.extensions ?? [],
    ...(choices.options ? { options: choices.options } : {}),
  });
  return who;
}

export function keyPackageOf(
  who: Person,
  choices: {
    readonly capabilities?: Capabilities;
    readonly lifetime?: typeof lifetime;
    readonly crypto?: CryptoProvider;
  } = {},
): OwnKeyPackage {
  const { keyPackage, secrets } = createKeyPackage({
    crypto: choices.crypto ?? crypto,
    cipherSuite: who.suite,
    signer: who.signer,
    credential: who.credential,
    capabilities: choices.capabilities ?? capabilities,
    lifetime: choices.lifetime ?? lifetime,
  });
  return { keyPackage, secrets, signer: who.signer };
}

/** Commits, adopts, and lets all others take it in; those added join by the Welcome. */
export function commitAll(
  committer: Person,
  others: readonly Person[],
  choices: Omit<CommitInput, "crypto" | "group" | "signer"> = {},
  joiners: readonly (readonly [Person, OwnKeyPackage])[] = [],
): CommitOutput {
  const { group, signer } = committer;
  const made = commit({ crypto, group, signer, nowSeconds: now, ...choices });
  committer.group = adopt({ group: made.group, pending: made.pending }).group;
  for (const other of others) committed(other, made.message);
  for (const [joiner, keyPackage] of joiners) {
    invariant(made.welcome, "there is a welcome for whoever is added");
    joinBy(joiner, made.welcome, keyPackage);
  }
  return made;
}

export function joinBy(who: Person, welcome: Uint8Array, keyPackage: OwnKeyPackage): void {
  const joined = join({ crypto, welcome, keyPackages: [keyPackage], judge: acceptAll });
  if (joined.kind === "refused") throw joined.reason;
  invariant(joined.kind === "joined", "nothing to wait for");
  who.group = joined.group;
}

export function receive(who: Person, message: Uint8Array): Processed {
  return process({ crypto, group: who.group, message, judge: acceptAll, nowSeconds: now });
}

export function committed(who: Person, message: Uint8Array): Processed & { kind: "committed" } {
  const result = receive(who, message);
  if (result.kind === "refused") throw result.reason;
  invariant(result.kind === "committed", `committed, not ${result.kind}`);
  who.group = result.group;
  return result;
}

export function say(who: Person, text: string): Uint8Array {
  const { group, signer } = who;
  const sent = seal({ crypto, group, signer, plaintext: toUtf8(text) });
  who.group = sent.group;
  return sent.message;
}

export function hear(who: Person, message: Uint8Array): Processed & { kind: "message" } {
  const result = receive(who, message);
  if (result.kind === "refused") throw result.reason;
  invariant(result.kind === "message", `a message, not ${result.kind}`);
  who.group = result.group;
  return result;
}

/** A group of these people, made by the first in one commit. */
export function groupOfPeople(
  names: readonly string[],
  choices: Parameters<typeof creator>[1] = {},
): Person[] {
  const [first = "ada", ...rest] = names;
  const ada = creator(first, choices);
  const joiners = rest.map((name) => {
    const who = person(name, choices?.suiteId);
    return [who, keyPackageOf(who)] as const;
  });
  if (joiners.length > 0) {
    const proposals = joiners.map(([, { keyPackage }]) => ({ kind: "add", keyPackage }) as const);
    commitAll(ada, [], { proposals, forcePath: true }, joiners);
  }
  return [ada, ...joiners.map(([who]) => who)];
}
