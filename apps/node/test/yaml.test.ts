import fc from "fast-check";
import { expect, test } from "vitest";
import { NodeError } from "@coterie/node";
import { durationOf, loadYaml } from "@coterie/node/yaml";

const sources = {
  env: { SECRET: "from the environment", REFERENCE: "${file:/secret}" },
  readFile: (path: string): string => {
    if (path === "/secret") return "from the file\n";
    throw new Error("no such file");
  },
};

/** The path that an error names, and its words. */
function refused(read: () => unknown): readonly unknown[] {
  try {
    read();
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    return [error.code, error.details["path"], error.message];
  }
  return [];
}

test("SCM-07: ${env:X} and ${file:/p} stand for what is there, once, and only as a whole value", () => {
  const text =
    "a: ${env:SECRET}\nb: [\"${file:/secret}\"]\nc: {d: '${env:REFERENCE}'}\ne: Bearer ${env:SECRET}\n# ${env:NOT_SET}\n";
  const { top } = loadYaml(text, sources);
  expect(top.text("a")).toBe("from the environment");
  expect(top.texts("b")).toEqual(["from the file"]);
  expect(top.section("c")?.text("d")).toBe("${file:/secret}");
  expect(top.text("e")).toBe("Bearer ${env:SECRET}");
  for (const [reference, words] of [
    ["${env:NOT_SET}", "x.y[1] needs NOT_SET in the environment"],
    ["${file:/gone}", "x.y[1] needs /gone, which cannot be read"],
    ["${vault:key}", "x.y[1] refers to neither env: nor file:"],
  ] as const) {
    expect(refused(() => loadYaml(`x:\n  y: [a, "${reference}"]`, sources))).toEqual([
      "node/bad-config",
      "x.y[1]",
      words,
    ]);
  }
});

test("what is wrong in a file is named by the path of its key, without its value", () => {
  const { top } = loadYaml(
    "list: {a: 1}\nname: [hush]\nport: -1\non: maybe\nwait: soon\nlevel: loud\nmore:\n  - typo: 1\n",
    sources,
  );
  expect(refused(() => top.sections("list"))[2]).toBe("list must be a list");
  expect(refused(() => top.text("name"))[2]).toBe("name must be a text");
  expect(refused(() => top.number("port"))[2]).toBe("port must be a whole number");
  expect(refused(() => top.flag("on"))[2]).toBe("on must be true or false");
  expect(refused(() => top.durationMs("wait"))[2]).toBe("wait must be a duration such as 15s");
  expect(refused(() => top.oneOf("level", ["info", "warn"]))[2]).toBe(
    "level must be one of info, warn",
  );
  expect(refused(() => top.sections("more")[0]?.end())).toEqual([
    "node/bad-config",
    "more[0].typo",
    "more[0].typo is no key that is known here",
  ]);
  expect(refused(() => loadYaml("a: 1\nb: [", sources))[2]).toMatch(
    /^the file is no YAML: line 2: /,
  );
  expect(refused(() => loadYaml("a: 1\na: 2", sources))[2]).toMatch(
    /^the file is no YAML: line 2: /,
  );
  expect(refused(() => loadYaml("- a", sources))[2]).toBe("the file must be a mapping");
});

test("keys that SLIM knows and this node does not use are noted", () => {
  const { top, notes } = loadYaml("runtime: {n_cores: 4}\nempty:\n", sources);
  top.ignore("runtime", "empty", "absent");
  top.end();
  expect(notes).toEqual(["runtime"]);
});

test("durations", () => {
  expect(["15s", "500ms", "1m30s", "2h", 7, "0s"].map(durationOf)).toEqual([
    15_000, 500, 90_000, 7_200_000, 7000, 0,
  ]);
  expect(["", "15", "s", "1.5s", "-1s", "1s x", -1, null, {}].map(durationOf)).toEqual(
    Array.from({ length: 9 }, () => undefined),
  );
});

test("whatever stands in a file, it is read or refused with a code", () => {
  const pieces = [
    "a",
    ":",
    " ",
    "\n",
    "- ",
    "&x",
    "*x",
    "{",
    "}",
    "[",
    "]",
    '"',
    "|",
    "<<",
    "!!",
    "${env:",
    "\t",
    "#",
    "1",
    "?",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 24 }), (parts) => {
      refused(() => loadYaml(parts.join(""), sources));
    }),
    { numRuns: 1000, seed: 7 },
  );
});
