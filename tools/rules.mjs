#!/usr/bin/env node
// Lists each rule of docs/rules.md with the code that cites it and the tests that name it in a title, and fails when one is missing.
//   node tools/rules.mjs [--quiet] [--json] [rule or family …]
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Rules by number: `{ text, noCode?, noTest? }`. */
export function readRules(markdown) {
  const rules = new Map();
  for (const line of markdown.split("\n")) {
    const [, id, text, exception] =
      /^\| ([A-Z]{2,4}-\d{2,3}) \| (.*?) \|(?: ([^|]*))?\|/.exec(line) ?? [];
    if (id === undefined) continue;
    if (rules.has(id)) throw new Error(`${id} stands twice in docs/rules.md`);
    rules.set(id, {
      text,
      noCode: exception?.includes("no code: ") ?? false,
      noTest: exception?.includes("no test: ") ?? false,
    });
  }
  return rules;
}

/** The rules that a text cites; `XID-01..05` cites five. */
export function citations(text, families) {
  const found = new Set();
  for (const [, family, first, last] of text.matchAll(
    /\b([A-Z]{2,4})-(\d{2,3})(?:\.\.(?:[A-Z]{2,4}-)?(\d{2,3}))?(?!\d)/g,
  )) {
    if (!families.has(family)) continue;
    for (let n = Number(first); n <= Number(last ?? first); n += 1) {
      const digits = String(n).padStart(first.length, "0");
      found.add(`${family}-${digits}`);
    }
  }
  return found;
}

/** What stands between quotes on each line: a rule in a comment of a test trips nothing. */
const quoted = (text) =>
  text
    .split("\n")
    .flatMap((line) => line.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`?/g) ?? [])
    .join("\n");

/** What is missing and what is cited without being a rule. */
export function coverage(rules, sources) {
  const families = new Set([...rules.keys()].map((id) => id.split("-")[0]));
  const rows = new Map([...rules.keys()].map((id) => [id, { code: [], tests: [] }]));
  const unknown = [];
  for (const { path, text, isTest } of sources) {
    for (const id of citations(isTest ? quoted(text) : text, families)) {
      const row = rows.get(id);
      if (row === undefined) unknown.push(`${path} cites ${id}, which is no rule`);
      else row[isTest ? "tests" : "code"].push(path);
    }
  }
  const missing = [];
  for (const [id, row] of rows) {
    const rule = rules.get(id);
    if (row.code.length === 0 && !rule.noCode) missing.push(`${id}: no code cites it`);
    if (row.tests.length === 0 && !rule.noTest) missing.push(`${id}: no test names it`);
  }
  return { rows, missing, unknown };
}

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (["node_modules", "dist", "gen", "data"].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (/\.(ts|tsx|mjs)$/.test(entry.name)) yield path;
  }
}

function readSources() {
  const sources = [];
  for (const top of ["packages", "apps", "interop"]) {
    for (const file of files(join(root, top))) {
      const path = relative(root, file).replaceAll("\\", "/");
      const isTest = /\/(test|e2e)\/|^interop\/checks\//.test(path);
      if (!isTest && !path.includes("/src/")) continue;
      sources.push({ path, text: readFileSync(file, "utf8"), isTest });
    }
  }
  return sources;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const args = process.argv.slice(2);
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const rules = readRules(readFileSync(join(root, "docs", "rules.md"), "utf8"));
  const { rows, missing, unknown } = coverage(rules, readSources());
  if (args.includes("--json")) {
    console.log(JSON.stringify(Object.fromEntries(rows), null, 2));
  } else if (!args.includes("--quiet")) {
    for (const [id, { code, tests }] of rows) {
      if (wanted.length > 0 && !wanted.some((part) => id.startsWith(part))) continue;
      console.log(`${id}  ${rules.get(id).text}`);
      console.log(`        code   ${code.join(", ") || "-"}`);
      console.log(`        tests  ${tests.join(", ") || "-"}`);
    }
  }
  for (const line of [...missing, ...unknown]) console.log(line);
  console.log(`${rows.size} rules, ${missing.length} gaps, ${unknown.length} unknown`);
  process.exit(missing.length + unknown.length > 0 ? 1 : 0);
}
