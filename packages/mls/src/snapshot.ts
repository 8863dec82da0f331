import { toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { Reader, Writer } from "./codec.ts";
import { MlsError } from "./errors.ts";
import { groupOf } from "./group.ts";
import type { Group } from "./group.ts";
import type { PastEpoch } from "./past-epochs.ts";
import type { ProposalStore, StoredProposal } from "./proposals.ts";
import type { SecretTree } from "./secret-tree.ts";
import { assembleSecretTree, secretTreeChanges } from "./secret-tree-entries.ts";
import type { SecretEntry } from "./secret-tree-entries.ts";
import {
  checkEpochState,
  readEpochState,
  readHeader,
  readMemberNode,
  readPastRecord,
  readStoredProposal,
  snapshotVersion,
  writeEpochState,
  writeHeader,
  writeMemberNode,
  writePastRecord,
  writeStoredProposal,
} from "./snapshot-codec.ts";
import { leafCount } from "./tree.ts";
import type { GroupContext } from "./types.ts";

/** What to write to turn the stored snapshot of one value of a group into that of another. */
export interface SnapshotChanges {
  readonly puts: readonly (readonly [key: string, entry: Uint8Array])[];
  readonly deletes: readonly string[];
}

/**
 * A group as bytes, split by what changes together. Keys: `group` (options, status), `epoch` (tree, context, secrets: one commit),
 * `past/<epoch>`, `ratchet/<epoch>/<leaf>` (one message), `node/<epoch>/<node>` (unused secrets above them), `proposal/<ref>`.
 * The entries hold secrets: store them encrypted.
 */
export function snapshot(group: Group): ReadonlyMap<string, Uint8Array> {
  return new Map(snapshotChanges(undefined, group).puts);
}

/**
 * The difference between two values of one group, found by identity: what they share is not looked at. After one message that is one
 * entry; after the first one of a sender in an epoch, also the unused secrets beside its way through the secret tree.
 */
export function snapshotChanges(before: Group | undefined, after: Group): SnapshotChanges {
  const puts: [string, Uint8Array][] = [];
  const deletes: string[] = [];
  if (before?.status !== after.status || before.options !== after.options) {
    puts.push(["group", entry((w) => writeHeader(w, after))]);
  }
  if (before?.state !== after.state) {
    puts.push(["epoch", entry((w) => writeEpochState(w, after.state))]);
  }
  pastChanges(before, after, puts, deletes);
  secretChanges(before, after, puts, deletes);
  proposalChanges(before, after, puts, deletes);
  return { puts, deletes };
}

function pastChanges(
  before: Group | undefined,
  after: Group,
  puts: [string, Uint8Array][],
  deletes: string[],
): void {
  const old = new Map(before?.past.map(({ record }) => [pastKey(record.context), record]));
  let newer = after.context;
  for (const { record } of after.past) {
    const key = pastKey(record.context);
    if (old.get(key) !== record) {
      const relativeTo = newer;
      puts.push([key, entry((w) => writePastRecord(w, record, relativeTo))]);
    }
    old.delete(key);
    newer = record.context;
  }
  deletes.push(...old.keys());
}

function secretChanges(
  before: Group | undefined,
  after: Group,
  puts: [string, Uint8Array][],
  deletes: string[],
): void {
  const old = before && secretTrees(before);
  const current = secretTrees(after);
  const epochs = new Set([...current.keys(), ...(old?.keys() ?? [])]);
  for (const epoch of epochs) {
    const was = old?.get(epoch);
    const is = current.get(epoch);
    if (was === is) continue;
    const name = (key: string): string => key.replace("/", `/${epoch}/`);
    const changes =
      was && is && was.leafCount !== is.leafCount
        ? // Not the same epoch after all: a group that was joined anew.
          {
            puts: secretTreeChanges(undefined, is).puts,
            deletes: secretTreeChanges(was, undefined).deletes,
          }
        : secretTreeChanges(was, is);
    const written = new Set(changes.puts.map(([key]) => key));
    for (const [key, node] of changes.puts) {
      puts.push([name(key), entry((w) => writeSecretEntry(w, node))]);
    }
    for (const key of changes.deletes) if (!written.has(key)) deletes.push(name(key));
  }
}

function proposalChanges(
  before: Group | undefined,
  after: Group,
  puts: [string, Uint8Array][],
  deletes: string[],
): void {
  if (before?.proposals === after.proposals) return;
  const old = new Map(before?.proposals);
  for (const [index, [ref, stored]] of [...after.proposals].entries()) {
    if (old.get(ref) !== stored) {
      const write = (w: Writer): void => {
        w.u32(index);
        writeStoredProposal(w, stored);
      };
      puts.push([`proposal/${ref}`, entry(write)]);
    }
    old.delete(ref);
  }
  for (const ref of old.keys()) deletes.push(`proposal/${ref}`);
}

/**
 * The group that {@link snapshot} wrote, in this or an older version. Throws an {@link MlsError} for entries that are missing, damaged or
 * too many: `mls/bad-snapshot`, `mls/snapshot-version`, or what the decoders say. It is not a check of signatures: the store is trusted.
 */
export function restoreGroup(input: {
  readonly crypto: CryptoProvider;
  readonly entries: ReadonlyMap<string, Uint8Array>;
}): Group {
  const sorted = sortEntries(input.entries);
  const header = readEntry(required(sorted.single, "group"), readHeader);
  const state = readEntry(required(sorted.single, "epoch"), readEpochState);
  const { suite } = header;
  if (state.tree.suite !== suite) throw bad("suite");
  if (header.status.kind !== "removed") checkEpochState(input.crypto, state);
  const secretTree = (epoch: bigint, width: number): SecretTree => {
    const entries = sorted.secrets.get(String(epoch));
    sorted.secrets.delete(String(epoch));
    return assembleSecretTree(width, entries ?? new Map());
  };
  const past: PastEpoch[] = [];
  let newer = state.context;
  const names = [...sorted.past.keys()].toSorted((a, b) => (a > b ? -1 : 1));
  for (const epoch of names) {
    const bytes = sorted.past.get(epoch) ?? new Uint8Array(0);
    const record = readEntry(bytes, (r) => readPastRecord(r, newer));
    if (record.context.epoch !== epoch || epoch >= newer.epoch) throw bad("past");
    past.push({ record, messageKeys: secretTree(epoch, record.leafCount) });
    newer = record.context;
  }
  const messageKeys = secretTree(state.context.epoch, leafCount(state.tree));
  if (sorted.secrets.size > 0) throw bad("secrets");
  return groupOf({
    ...header,
    state,
    messageKeys,
    past,
    proposals: readProposals(sorted.proposals),
  });
}

interface Sorted {
  readonly single: Map<string, Uint8Array>;
  readonly past: Map<bigint, Uint8Array>;
  /** By epoch, then by key without it. */
  readonly secrets: Map<string, Map<string, SecretEntry>>;
  readonly proposals: Map<string, Uint8Array>;
}

function sortEntries(entries: ReadonlyMap<string, Uint8Array>): Sorted {
  const sorted: Sorted = {
    single: new Map(),
    past: new Map(),
    secrets: new Map(),
    proposals: new Map(),
  };
  for (const [key, stored] of entries) {
    // Fields are views of what they were read from, and the caller keeps its own bytes.
    const bytes = new Uint8Array(stored);
    const [kind = "", name = "", rest] = key.split("/");
    if (key === "group" || key === "epoch") sorted.single.set(key, bytes);
    else if (kind === "past" && isNumber(name)) sorted.past.set(BigInt(name), bytes);
    else if (kind === "proposal") sorted.proposals.set(name, bytes);
    else if ((kind === "node" || kind === "ratchet") && rest !== undefined) {
      const ofEpoch = sorted.secrets.get(name) ?? new Map<string, SecretEntry>();
      sorted.secrets.set(name, ofEpoch);
      ofEpoch.set(
        `${kind}/${rest}`,
        readEntry(bytes, kind === "node" ? readSecret : readMemberNode),
      );
    } else throw new MlsError("mls/bad-snapshot", { key });
  }
  return sorted;
}

function readProposals(entries: ReadonlyMap<string, Uint8Array>): ProposalStore {
  const read: { index: number; stored: StoredProposal }[] = [];
  for (const [ref, bytes] of entries) {
    const found = readEntry(bytes, (r) => ({ index: r.u32(), stored: readStoredProposal(r) }));
    if (toHex(found.stored.ref) !== ref) throw bad("proposal");
    read.push(found);
  }
  const inOrder = read.toSorted((a, b) => a.index - b.index);
  return new Map(inOrder.map(({ stored }) => [toHex(stored.ref), stored] as const));
}

function secretTrees(group: Group): Map<bigint, SecretTree> {
  const trees = new Map([[group.epoch, group.messageKeys]]);
  for (const { record, messageKeys } of group.past) trees.set(record.context.epoch, messageKeys);
  return trees;
}

function pastKey(context: GroupContext): string {
  return `past/${context.epoch}`;
}

function writeSecretEntry(w: Writer, node: SecretEntry): void {
  if (node.kind === "secret") w.opaque(node.secret);
  else writeMemberNode(w, node);
}

function readSecret(r: Reader): SecretEntry {
  return { kind: "secret", secret: r.opaque() };
}

function entry(write: (w: Writer) => void): Uint8Array {
  const w = new Writer();
  w.u8(snapshotVersion);
  write(w);
  return w.finish();
}

function readEntry<T>(bytes: Uint8Array, read: (r: Reader) => T): T {
  const r = new Reader(bytes);
  const version = r.u8();
  if (version !== snapshotVersion) throw new MlsError("mls/snapshot-version", { version });
  const value = read(r);
  r.expectEnd();
  return value;
}

function required(entries: ReadonlyMap<string, Uint8Array>, key: string): Uint8Array {
  const bytes = entries.get(key);
  if (!bytes) throw new MlsError("mls/bad-snapshot", { missing: key });
  return bytes;
}

function isNumber(text: string): boolean {
  return /^(0|[1-9][0-9]{0,19})$/.test(text);
}

function bad(why: string): MlsError {
  return new MlsError("mls/bad-snapshot", { why });
}
