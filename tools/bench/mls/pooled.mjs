// Create and join with a pool of one thread beside the caller's. The time is that of the clock, best of several turns that alternate with
// and without: a second core that others use is no second core. Beside it stands the processor time of the calling thread, which
// tells what the pool took off it.
import { createOpensslProvider } from "../../../packages/crypto/dist/openssl.js";
import { openPool } from "../../../packages/crypto/dist/pool.js";
import * as mls from "../../../packages/mls/dist/index.js";
import { crowd, maker, nowSeconds, person, required } from "./people.mjs";

const turns = 9;
const options = { cachedKeys: 64 };

function threadMs() {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
}

export async function measurePooled(size) {
  const ada = person("ada");
  const { signer } = ada;
  const members = crowd(size);
  const start = mls.createGroup({ ...ada, groupId: maker.bytes(16) });
  const create = (crypto) => {
    const proposals = members.slice(0, size - 1).map(({ keys }) => ({
      kind: "add",
      keyPackage: mls.decodeKeyPackage(keys.bytes.slice()),
    }));
    return mls.commit({ crypto, group: start, signer, nowSeconds, proposals, forcePath: false });
  };
  const created = create(maker);
  const { group } = mls.adopt(created);
  const operations = {
    "create in one commit": create,
    "join, flat tree": (crypto) =>
      required(
        mls.join({
          crypto,
          welcome: created.welcome.slice(),
          keyPackages: [members[0].keys],
          judge: mls.acceptAll,
        }),
        "joined",
      ),
    "self-update, blank tree": (crypto) => mls.commit({ crypto, group, signer, nowSeconds }),
  };
  const pool = await openPool({ crypto: createOpensslProvider(options), workers: 1 });
  const time = async (run, crypto) => {
    const clock = performance.now();
    const thread = threadMs();
    run(crypto);
    const ms = { clock: performance.now() - clock, thread: threadMs() - thread };
    // The pool's hints end with the turn of the event loop.
    await new Promise(setImmediate);
    return ms;
  };
  const rows = [];
  for (const [operation, run] of Object.entries(operations)) {
    const alone = [];
    const pooled = [];
    for (let i = 0; i < turns; i++) {
      // oxlint-disable-next-line no-await-in-loop
      alone.push(await time(run, createOpensslProvider(options)));
      // A provider object of its own remembers no signatures.
      // oxlint-disable-next-line no-await-in-loop
      pooled.push(await time(run, { ...pool.crypto }));
    }
    const best = (all, of) => Math.min(...all.map((one) => one[of]));
    rows.push({
      operation,
      aloneMs: best(alone, "clock"),
      pooledMs: best(pooled, "clock"),
      ratio: best(pooled, "clock") / best(alone, "clock"),
      threadRatio: best(pooled, "thread") / best(alone, "thread"),
    });
  }
  const { state } = pool;
  await pool.close();
  return { state, rows };
}
