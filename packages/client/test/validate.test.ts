import { expect, test } from "vitest";
import { fromHex } from "@coterie/base";
import type { CommitView, JoinView, LeafNode, Member, Proposal } from "@coterie/mls";
import { defaultPolicy, dmPolicy } from "@coterie/policy";
import {
  encodeImmutableMetadata,
  encodeMembership,
  encodeMutableMetadata,
  encodePermissions,
  extensionType,
} from "../src/engine/extensions.ts";
import { inboxCredential } from "../src/engine/leaf.ts";
import type { IdentityView } from "../src/engine/membership.ts";
import { validateCommit } from "../src/engine/validate-commit.ts";
import { validateJoin } from "../src/engine/validate-join.ts";

const id = (n: number): string => n.toString(16).padStart(2, "0").repeat(32);
const [ada, bo] = [id(0xa), id(0xb)] as [string, string];
const [adas, bos, phone] = [id(1), id(2), id(3)] as [string, string, string];

function leaf(inboxId: string, installation: string): LeafNode {
  return {
    credential: inboxCredential(inboxId),
    signatureKey: fromHex(installation),
  } as unknown as LeafNode;
}
const members: Member[] = [
  { leafIndex: 0, leaf: leaf(ada, adas) },
  { leafIndex: 1, leaf: leaf(bo, bos) },
];

interface Facts {
  readonly attributes?: Record<string, string>;
  readonly members?: Record<string, bigint>;
  readonly failed?: readonly string[];
}
function context(facts: Facts = {}, without?: number) {
  const extensions = [
    encodeImmutableMetadata({ conversationType: "group", creatorInboxId: ada }),
    encodeMutableMetadata({
      attributes: new Map(Object.entries(facts.attributes ?? {})),
      admins: [],
      superAdmins: [ada],
    }),
    encodeMembership({
      members: new Map(Object.entries(facts.members ?? { [ada]: 1n, [bo]: 1n })),
      failedInstallations: new Set(facts.failed),
    }),
    encodePermissions(defaultPolicy),
  ].filter(({ type }) => type !== without);
  return { extensions };
}
function group(facts: Facts = {}, without?: number) {
  return {
    context: context(facts, without),
    members: () => members,
    memberAt: (leafIndex: number) => members[leafIndex],
  };
}

function commit(
  proposals: readonly Proposal[],
  more: { readonly before?: unknown; readonly after?: unknown; readonly by?: number } = {},
): CommitView {
  const committer = members[more.by ?? 0] as Member;
  const sender = { kind: "member", ...committer };
  return {
    kind: "commit",
    committer,
    external: false,
    proposals: proposals.map((proposal) => ({ proposal, sender })),
    pathLeaf: committer.leaf,
    authenticatedData: new Uint8Array(0),
    before: more.before ?? group(),
    after: more.after ?? group(),
  } as unknown as CommitView;
}

const logs: Record<string, Record<string, string[]>> = {
  [ada]: { "1": [adas] },
  [bo]: { "1": [bos], "2": [bos, phone], "3": [phone] },
};
/** Logs as far as the node shows them. */
function identity(upTo = 9n): IdentityView {
  return {
    installationsAt(inboxId, sequenceId) {
      const log = logs[inboxId] ?? {};
      const shown = Object.keys(log)
        .map(BigInt)
        .filter((at) => at <= upTo);
      if (shown.includes(sequenceId)) {
        return { kind: "known", installations: new Set(log[sequenceId.toString()]) };
      }
      const last = shown.findLast((at) => at <= sequenceId);
      const newest = shown.at(-1) ?? 0n;
      return {
        kind: "missing",
        late: newest < sequenceId,
        before:
          last === undefined
            ? undefined
            : { sequenceId: last, installations: new Set(log[last.toString()]) },
      };
    },
  };
}

function add(inboxId: string, installation: string): Proposal {
  return {
    kind: "add",
    keyPackage: { leafNode: leaf(inboxId, installation) },
  } as unknown as Proposal;
}

test("XCV-01: a commit without changes is accepted, with its committer", () => {
  expect(validateCommit(commit([]), { identity: identity() })).toMatchObject({
    kind: "accept",
    commit: { committer: { inboxId: ada, installationId: adas }, movesInstallations: false },
  });
});

test("XCV-07, XGC-08: no pre-shared keys, no reinit, no external init, nothing unknown", () => {
  const rules = (["psk", "reinit", "external-init", "custom"] as const).map((kind) => {
    const verdict = validateCommit(commit([{ kind } as unknown as Proposal]), {
      identity: identity(),
    });
    return verdict.kind === "refuse" ? [verdict.code, verdict.details["rule"]] : verdict.kind;
  });
  expect(rules).toEqual([
    ["client/no-psk-support", "XCV-07"],
    ...Array.from({ length: 3 }, () => ["client/unsupported-proposal", "XGC-08"]),
  ]);
});

test("XCV-08: a removal of nobody, and an update by nobody's leaf, have no subject", () => {
  const nobody = { kind: "update", leafNode: { ...leaf(bo, bos), credential: { kind: "x509" } } };
  for (const proposal of [{ kind: "remove", removed: 7 }, nobody]) {
    expect(
      validateCommit(commit([proposal as unknown as Proposal]), { identity: identity() }),
    ).toMatchObject({
      kind: "refuse",
      code: "client/subject-does-not-exist",
      details: { rule: "XCV-08" },
    });
  }
});

test("XCV-09, XCV-02: the lists before and after must be there, and be readable", () => {
  const verdict = (without: number): unknown =>
    validateCommit(commit([], { after: group({}, without) }), { identity: identity() });
  expect(verdict(extensionType.membership)).toMatchObject({ details: { rule: "XCV-09" } });
  for (const type of [extensionType.mutableMetadata, extensionType.permissions]) {
    expect(verdict(type)).toMatchObject({ details: { rule: "XCV-02" } });
  }
});

test("XCV-11: what an inbox gained must be added by its new id; what the log lacks is waited for, once and patiently", () => {
  const moved = (to: bigint) => ({ after: group({ members: { [ada]: 1n, [bo]: to } }) });
  const withPhone = commit([add(bo, phone)], moved(2n));
  expect(validateCommit(withPhone, { identity: identity() })).toMatchObject({
    kind: "accept",
    commit: { movesInstallations: true },
  });
  expect(
    validateCommit(commit([add(bo, id(9))], moved(2n)), { identity: identity() }),
  ).toMatchObject({
    details: { rule: "XCV-13" },
  });
  // The node does not show the second update yet.
  const behind = { identity: identity(1n) };
  expect(validateCommit(withPhone, behind)).toMatchObject({ kind: "refuse" });
  expect(validateCommit(withPhone, { ...behind, patient: true })).toMatchObject({
    kind: "wait",
    for: { kind: "identity", late: true, needs: [{ inboxId: bo, sequenceId: 2n }] },
  });
  // A commit that is refused for another reason waits for nothing.
  const forbidden = commit([add(bo, phone)], {
    by: 1,
    after: group({ members: { [ada]: 1n, [bo]: 2n }, attributes: { _x: "1" } }),
  });
  expect(validateCommit(forbidden, { ...behind, patient: true })).toMatchObject({
    kind: "refuse",
    details: { rule: "XPM-04" },
  });
  // An installation that the log dropped must go.
  const dropped = commit([add(bo, phone)], moved(3n));
  expect(validateCommit(dropped, { identity: identity() })).toMatchObject({
    details: { rule: "XCV-14" },
  });
});

test("XCV-17: a version above ours is waited for, also where this commit did not ask for it", () => {
  const asking = (version: string) =>
    group({ attributes: { minimum_supported_protocol_version: version } });
  expect(
    validateCommit(commit([], { before: asking("9.0.0"), after: asking("9.0.0") }), {
      identity: identity(),
    }),
  ).toEqual({ kind: "wait", for: { kind: "version", required: "9.0.0" } });
  expect(
    validateCommit(commit([], { before: asking("1.10.0"), after: asking("1.10.0") }), {
      identity: identity(),
    }),
  ).toMatchObject({ kind: "accept" });
});

function join(
  extensions: readonly { readonly type: number; readonly data: Uint8Array }[],
): JoinView {
  return {
    kind: "join",
    signer: members[0] as Member,
    group: { ...group(), context: { extensions } },
    ownLeaf: 1,
  } as unknown as JoinView;
}

test("XGC-25, XGC-61: a group in proposal mode is joined, read-only until we are newer", () => {
  const { extensions } = context();
  for (const type of [extensionType.proposalSupport, extensionType.appDataDictionary]) {
    const view = join([...extensions, { type, data: new Uint8Array([8, 1]) }]);
    expect(validateJoin(view, { identity: identity(), ownInboxId: bo })).toMatchObject({
      kind: "accept",
      join: { pausedForVersion: "1.11.0" },
    });
  }
  expect(validateJoin(join(extensions), { identity: identity(), ownInboxId: bo })).toMatchObject({
    kind: "accept",
    join: { pausedForVersion: undefined },
  });
});

test("XWL-13, XCV-11: a welcome that names an update which the node does not show waits only with patience", () => {
  const { extensions } = context({ members: { [ada]: 1n, [bo]: 2n }, failed: [phone] });
  const behind = { identity: identity(1n), ownInboxId: bo };
  expect(validateJoin(join(extensions), behind)).toMatchObject({ details: { rule: "XID-31" } });
  expect(validateJoin(join(extensions), { ...behind, patient: true })).toMatchObject({
    kind: "wait",
    for: { late: true },
  });
  // XGC-10: nobody asks how old a leaf is.
  expect(validateJoin(join(extensions), { identity: identity(), ownInboxId: bo })).toMatchObject({
    kind: "accept",
  });
});

test("XWL-17, XDM-04: a DM must be with us and with whoever added us, without admins", () => {
  const dm = (one: string, two: string, superAdmins: readonly string[] = []) => {
    const { extensions } = context();
    return join(
      extensions.map((extension) => {
        if (extension.type === extensionType.immutableMetadata) {
          const dmMembers = [one, two] as const;
          return encodeImmutableMetadata({
            conversationType: "dm",
            creatorInboxId: one,
            dmMembers,
          });
        }
        if (extension.type === extensionType.mutableMetadata) {
          return encodeMutableMetadata({ attributes: new Map(), admins: [], superAdmins });
        }
        return extension.type === extensionType.permissions
          ? encodePermissions(dmPolicy)
          : extension;
      }),
    );
  };
  const verdict = (view: JoinView, self = bo): unknown => {
    const joined = validateJoin(view, { identity: identity(), ownInboxId: self });
    return joined.kind === "refuse" ? joined.details["rule"] : joined.kind;
  };
  expect(verdict(dm(ada, bo))).toBe("accept");
  expect(verdict(dm(ada, id(7)))).toBe("XDM-04");
  expect(verdict(dm(bo, id(7)))).toBe("XDM-04");
  expect(verdict(dm(ada, bo, [ada]))).toBe("XDM-04");
  // Added by our own other installation: only that we are one of the two counts.
  expect(verdict(dm(ada, id(7), [ada]), ada)).toBe("accept");
});
