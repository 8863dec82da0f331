// Whoever changes the import line changes nothing else: every name of the released packages is one of ours, and takes as much.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { assert } from "../lib/check.mjs";
import { cores } from "../lib/slim-kinds.mjs";

const lister = fileURLToPath(new URL("../lib/slim-names.mjs", import.meta.url));

function namesOf(kind) {
  const { stdout, stderr } = spawnSync(process.execPath, [lister, kind], { encoding: "utf8" });
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(stderr);
  return JSON.parse(line);
}

/** What its generator adds; calls between apps, which are an entry of their own; files of configuration, which are the node's. */
const beside =
  /^uniffi|#uniffi|^initializeFromConfig|^(Bidi|Channel|Context|Multicast|Re(quest|sponse)S|Rpc|Server(?!Auth|Config)|Stream|Unary)/;
/** Natives have these as constructors that take nothing, or take what nobody gives. */
const constructed = /^(CompletionHandle|Session|\w+\.(None|Autoresolve|Timeout))$/;

export default async function run({ check }) {
  const ours = namesOf("ours");
  for (const core of cores) {
    await check(`every name of ${core} is one of ours, with the same parameters`, () => {
      const differing = Object.entries(namesOf(core)).filter(([name, theirs]) => {
        if (beside.test(name)) return false;
        const own = ours[name];
        if (own === undefined || constructed.test(name)) return own === undefined;
        // ours takes an AbortSignal where natives take none
        return typeof theirs === "number" ? !(own >= theirs && own <= theirs + 1) : own !== theirs;
      });
      assert.deepEqual(
        differing.map(([name, theirs]) => `${name}: ${theirs}, ours ${ours[name]}`),
        [],
      );
    });
  }
}
