import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as mls from "../../../packages/mls/dist/index.js";
import { depthOf, filledGroup } from "./filled.mjs";
import { measure } from "./measure.mjs";
import { crowd, maker, nowSeconds, person, required } from "./people.mjs";
import { callsOnly, createFloor, floorOf } from "./primitives.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

function memory() {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Bytes that one of these holds on to, buffers included. */
function heapOf(make, count) {
  make();
  const before = memory();
  const held = Array.from({ length: count }, make);
  const bytes = (memory() - before) / count;
  held.length = 0;
  return bytes;
}

/** Beyond this, a path in a blank tree is measured in minutes on noble, and a filled tree takes as long to make. */
const largestWithPaths = 1_000;

/** One size with one provider. `fresh` makes a provider that remembers nothing. */
export function measureOurs(size, fresh) {
  const crypto = fresh();
  const primitives = createFloor(crypto, fresh);
  const rows = [];
  /** `counts` may depend on what came out. */
  const row = (operation, counts, run, per = 1) => {
    primitives.sample();
    const { ms, samples, value } = measure(run);
    const least = typeof counts === "function" ? counts(value) : counts;
    rows.push({ operation, ms: ms / per, samples, counts: least });
    return value;
  };

  const depth = depthOf(size);
  const ada = person("ada");
  const { signer } = ada;
  const members = crowd(size + 4);
  const start = mls.createGroup({ ...ada, groupId: maker.bytes(16) });
  const add = (of) => ({ kind: "add", keyPackage: mls.decodeKeyPackage(of.keys.bytes.slice()) });
  const commit = (group, choices, who = signer) =>
    mls.commit({ crypto: fresh(), group, signer: who, nowSeconds, ...choices });
  const take = (group, message, kind = "committed") =>
    required(
      mls.process({
        crypto: fresh(),
        group,
        message: message.slice(),
        judge: mls.acceptAll,
        nowSeconds,
      }),
      kind,
    );
  const join = (welcome, of, provider = fresh()) =>
    required(
      mls.join({
        crypto: provider,
        welcome: welcome.slice(),
        keyPackages: [of.keys],
        judge: mls.acceptAll,
      }),
      "joined",
    );
  const kb = (bytes) => bytes.length / 1000;
  // What a Welcome and a commit of these sizes cost beyond their number of calls.
  const welcoming = (tree) => ({ signKb: tree, aeadKb: tree, hashKb: tree });
  const sending = (message) => ({ signKb: message, aeadKb: message, hashKb: message });
  const hearing = (message) => ({ verifyKb: message, aeadKb: message, hashKb: message });
  const sum = (...all) => {
    const out = {};
    for (const counts of all)
      for (const [name, count] of Object.entries(counts)) out[name] = (out[name] ?? 0) + count;
    return out;
  };
  const schedule = { kdf: 20 };
  const ratchet = { kdf: 2 * depth + 7, aead: 2 };

  const everybody = () => members.slice(0, size - 1).map(add);
  const treeOf = ({ pending }) => kb(mls.encodeRatchetTree(pending.staged.state.tree));
  const created = row(
    "create in one commit",
    (made) =>
      sum(
        { verify: 2 * (size - 1), seal: size - 1, hash: 3 * size, sign: 2 },
        { kdf: 20 + 9, aead: 2 },
        welcoming(treeOf(made)),
        sending(kb(made.message)),
      ),
    () => commit(start, { proposals: everybody(), forcePath: false }),
  );
  const tree = treeOf(created);
  let { group } = mls.adopt(created);
  const [first] = members;
  const joining = (kilobytes) =>
    sum({ verify: size + 1, open: 1, hash: 2 * size }, schedule, {
      verifyKb: kilobytes,
      aeadKb: kilobytes,
      hashKb: kilobytes,
    });
  let other = row("join, flat tree", joining(tree), () => join(created.welcome, first)).group;

  const newcomer = members[size];
  const adding = sum({ verify: 2, seal: 1, sign: 2, hash: 3 * depth }, schedule, ratchet);
  const addOne = row("add 1", sum(adding, welcoming(tree)), () =>
    commit(group, { proposals: [add(newcomer)], forcePath: false }),
  );
  row("process add 1", sum({ verify: 3, hash: 3 * depth }, schedule, ratchet), () =>
    take(other, addOne.message),
  );

  const pathSteps = { keyPair: depth, kdf: 3 * depth, hash: 3 * depth };
  let filledEpoch;
  if (size <= largestWithPaths) {
    const inBlankTree = (made) =>
      sum({ seal: size - 1, sign: 2 }, schedule, ratchet, pathSteps, sending(kb(made.message)));
    const path = row("self-update, blank tree", inBlankTree, () => commit(group, {}));
    // Of a path in a blank tree we share with its committer what is above us both; of the first two members that is all of it.
    row(
      "process a path, blank tree",
      sum({ verify: 2, open: 1 }, schedule, ratchet, pathSteps, hearing(kb(path.message))),
      () => take(other, path.message),
    );
    row("remove 1, blank tree", inBlankTree, () =>
      commit(group, { proposals: [{ kind: "remove", removed: Math.min(5, size - 1) }] }),
    );
    other = take(other, path.message).group;
    ({ group } = mls.adopt(path));
    filledEpoch = filledRows();
  }

  function filledRows() {
    const filled = filledGroup(size);
    const asFirst = (choices) => commit(filled.first, choices, filled.people[0].signer);
    const fullTree = kb(mls.encodeRatchetTree(filled.first.tree));
    const update = row(
      "self-update, filled tree",
      sum({ seal: depth, sign: 2 }, schedule, ratchet, pathSteps),
      () => asFirst({}),
    );
    row(
      "process a path, filled tree",
      sum({ verify: 2, open: 1, keyPair: 1, hash: 3 * depth }, schedule, ratchet),
      () => take(filled.last, update.message),
    );
    row(
      "remove 1, filled tree",
      sum({ seal: 2 * depth, sign: 2 }, schedule, ratchet, pathSteps),
      () => asFirst({ proposals: [{ kind: "remove", removed: size - 1 }] }),
    );
    const welcomed = asFirst({ proposals: [add(newcomer)], forcePath: false });
    row("join, filled tree", sum(joining(fullTree), { hash: size * depth }), () =>
      join(welcomed.welcome, newcomer),
    );

    return mls.snapshot(filled.last).get("epoch").length;
  }

  const hundred = new Uint8Array(100);
  const messages = 50;
  let sent = [];
  const seal = (from) => {
    let at = from;
    sent = [];
    for (let i = 0; i < messages; i++) {
      const each = mls.seal({ crypto, group: at, signer, plaintext: hundred });
      at = each.group;
      sent.push(each.message);
    }
    return at;
  };
  const open = (from) => {
    let at = from;
    for (const message of sent) {
      const heard = mls.process({ crypto, group: at, message, judge: mls.acceptAll });
      at = required(heard, "message").group;
    }
    return at;
  };
  // Everybody's ratchets are there once they have sent something.
  const before = seal(group);
  const beforeOther = open(other);
  row("encrypt 100 B", { sign: 1, kdf: 5, aead: 2 }, () => seal(before), messages);
  const after = row(
    "decrypt 100 B",
    { verify: 1, kdf: 5, aead: 2 },
    () => open(beforeOther),
    messages,
  );
  const heard = take(
    after,
    mls.seal({ crypto, group: seal(before), signer, plaintext: hundred }).message,
    "message",
  );
  const changes = row("snapshot after one message", {}, () =>
    mls.snapshotChanges(after, heard.group),
  );
  const written = changes.puts.reduce(
    (bytes, [key, entry]) => bytes + key.length + entry.length,
    0,
  );

  const epoch = mls.snapshot(other).get("epoch").length;
  const heap = heapOf(() => join(created.welcome, first, maker).group, Math.ceil(2_000 / size));

  const cost = primitives.cost();
  return {
    primitivesMs: cost,
    rows: rows.map(({ operation, ms, samples, counts }) => {
      const floor = floorOf(cost, counts);
      const calls = floorOf(cost, callsOnly(counts));
      return floor === 0
        ? { operation, ms, samples }
        : { operation, ms, samples, floorMs: floor, multiple: ms / floor, callsMs: calls };
    }),
    bytes: {
      "snapshot after one message": written,
      "epoch snapshot, flat tree": epoch,
      ...(filledEpoch === undefined ? {} : { "epoch snapshot, filled tree": filledEpoch }),
      "heap of a group": heap,
      "Welcome for one": addOne.welcome.length,
    },
  };
}
