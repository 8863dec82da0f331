// Writes packages/wire/src/gen from packages/wire/proto with protobufjs-cli and the target beside this file.
// `--check` writes nothing and fails where the checked-in code is not what would be written.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import pbjs from "protobufjs-cli/pbjs.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const protoDir = join(root, "packages/wire/proto");
const genDir = join(root, "packages/wire/src/gen");

function filesBelow(folder, ending) {
  if (!statSync(folder, { throwIfNoEntry: false })) return [];
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith(ending))
    .toSorted();
}

const sources = await new Promise((done, fail) => {
  pbjs.main(
    [
      "-t",
      join(root, "tools/proto-target.cjs"),
      "--keep-case",
      "--alt-comment",
      "-p",
      protoDir,
      ...filesBelow(protoDir, ".proto"),
    ],
    (error, output) => (error ? fail(error) : done(JSON.parse(output))),
  );
});
const wanted = new Map(Object.entries(sources).map(([name, text]) => [`${name}.ts`, text]));
const present = filesBelow(genDir, ".ts").map((path) =>
  relative(genDir, path).replaceAll("\\", "/"),
);

if (process.argv.includes("--check")) {
  const stale = [...new Set([...wanted.keys(), ...present])].filter(
    (name) =>
      !wanted.has(name) ||
      !present.includes(name) ||
      readFileSync(join(genDir, name), "utf8") !== wanted.get(name),
  );
  if (stale.length > 0) {
    console.error(
      `generated code differs from the schemas (run node tools/proto.mjs): ${stale.join(", ")}`,
    );
    process.exit(1);
  }
} else {
  rmSync(genDir, { recursive: true, force: true });
  for (const [name, text] of wanted) {
    mkdirSync(dirname(join(genDir, name)), { recursive: true });
    writeFileSync(join(genDir, name), text);
  }
}
console.log(`${wanted.size} modules ${process.argv.includes("--check") ? "checked" : "written"}`);
