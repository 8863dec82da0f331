#!/usr/bin/env node
// Holds the architecture: imports go down the layers of packages/README.md, through entry points, never in a circle, and no
// entry for browsers reaches a node module. `node tools/layers.mjs [ROOT]` prints each breach and exits with 1 on any.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), ".."));
const appLayer = 4;
const scope = "@coterie/";
const builtins = new Set(builtinModules);
const breaches = [];

const table = new Map();
for (const line of readFileSync(join(root, "packages/README.md"), "utf8").split("\n")) {
  const row = /^\| \[`([a-z]+)`\]\([a-z]+\) \| (\d+) \|.*\|([^|]*)\|$/.exec(line);
  if (row) {
    const nodeOnly = row[3].match(/`([a-z0-9-]+)`/g)?.map((name) => name.slice(1, -1)) ?? [];
    table.set(row[1], { layer: Number(row[2]), nodeOnly: new Set(nodeOnly) });
  }
}

const folders = (parent) =>
  existsSync(join(root, parent))
    ? readdirSync(join(root, parent)).filter((name) =>
        existsSync(join(root, parent, name, "package.json")),
      )
    : [];
const rooms = [];
for (const name of folders("packages")) {
  const row = table.get(name);
  if (!row) breaches.push(`packages/${name}: not in the table of packages/README.md`);
  rooms.push({
    name,
    dir: join(root, "packages", name),
    layer: row?.layer ?? 0,
    nodeOnly: row?.nodeOnly ?? new Set(),
  });
}
for (const name of folders("apps")) {
  rooms.push({
    name,
    dir: join(root, "apps", name),
    layer: appLayer,
    nodeOnly: new Set(["index", "main"]),
    app: true,
  });
}
for (const room of rooms)
  room.manifest = JSON.parse(readFileSync(join(room.dir, "package.json"), "utf8"));
const byName = new Map(rooms.map((room) => [room.manifest.name, room]));

const sources = (dir) =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true })
        .map((name) => join(dir, name))
        .filter(
          (file) =>
            /\.(m?ts|tsx|m?js)$/.test(file) &&
            !file.includes("node_modules") &&
            statSync(file).isFile(),
        )
    : [];

/** Every specifier a file imports or re-exports, types included: a circle of types is a circle of ideas. */
function importsOf(file) {
  const { module } = parseSync(file, readFileSync(file, "utf8"));
  const found = module.staticImports.map((entry) => entry.moduleRequest.value);
  for (const statement of module.staticExports) {
    for (const entry of statement.entries)
      if (entry.moduleRequest) found.push(entry.moduleRequest.value);
  }
  const text = readFileSync(file, "utf8");
  for (const entry of module.dynamicImports) {
    const literal = /^["'`](.*)["'`]$/s.exec(
      text.slice(entry.moduleRequest.start, entry.moduleRequest.end).trim(),
    );
    if (literal) found.push(literal[1]);
  }
  return [...new Set(found)];
}

const splitSpecifier = (specifier) => {
  const parts = specifier.split("/");
  const name = specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
  return { name, subpath: specifier.slice(name.length) };
};
const isBuiltin = (specifier) => specifier.startsWith("node:") || builtins.has(specifier);
const where = (file) => relative(root, file);

for (const room of rooms) {
  const graph = new Map();
  const nodeImports = new Map();
  for (const [folder, isTest] of [
    ["src", false],
    ["test", true],
  ]) {
    for (const file of sources(join(room.dir, folder))) {
      const edges = [];
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith(".")) {
          const target = resolve(dirname(file), specifier);
          if (relative(room.dir, target).startsWith("..")) {
            breaches.push(`${where(file)}: relative import leaves the package: ${specifier}`);
          } else if (!isTest && !relative(join(room.dir, "src"), target).startsWith("..")) {
            edges.push(target);
          }
        } else if (isBuiltin(specifier)) {
          if (!isTest) nodeImports.set(file, specifier);
        } else {
          checkPackage(room, file, specifier, isTest, nodeImports);
        }
      }
      if (!isTest) graph.set(file, edges);
    }
  }
  findCircles(graph);
  if (!room.app) checkBrowserEntries(room, graph, nodeImports);
}

function checkPackage(room, file, specifier, isTest, nodeImports) {
  const { name, subpath } = splitSpecifier(specifier);
  const { dependencies = {}, devDependencies = {}, peerDependencies = {} } = room.manifest;
  const own = name === room.manifest.name;
  const declared =
    name in dependencies || name in peerDependencies || (isTest && name in devDependencies);
  const rootTool = isTest && ["vitest", "fast-check", "esbuild", "protobufjs-cli"].includes(name);
  if (!own && !declared && !rootTool) {
    breaches.push(`${where(file)}: ${name} is not a dependency of ${room.manifest.name}`);
  }
  if (!name.startsWith(scope)) return;
  const target = byName.get(name);
  if (!target) {
    breaches.push(`${where(file)}: there is no package ${name}`);
    return;
  }
  if (!(`.${subpath}` in (target.manifest.exports ?? {}))) {
    breaches.push(`${where(file)}: past the entry points of ${name}: ${specifier}`);
  }
  if (own) {
    if (!isTest) breaches.push(`${where(file)}: imports its own package by name: ${specifier}`);
    return;
  }
  const sameFloorApps = room.app && target.app;
  if (target.layer > room.layer)
    breaches.push(
      `${where(file)}: import goes up: ${room.name} (layer ${room.layer}) → ${target.name} (layer ${target.layer})`,
    );
  else if (target.layer === room.layer && !sameFloorApps)
    breaches.push(
      `${where(file)}: import goes sideways: ${room.name} → ${target.name} (layer ${target.layer})`,
    );
  const entry = subpath === "" ? "index" : subpath.slice(1);
  if (!isTest && target.nodeOnly.has(entry)) nodeImports.set(file, specifier);
}

function findCircles(graph) {
  const state = new Map();
  const path = [];
  const visit = (file) => {
    state.set(file, "open");
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      if (state.get(next) === "open") {
        const circle = [...path.slice(path.indexOf(next)), next].map(where);
        breaches.push(`circle: ${circle.join(" → ")}`);
      } else if (!state.has(next)) visit(next);
    }
    path.pop();
    state.set(file, "done");
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
}

function checkBrowserEntries(room, graph, nodeImports) {
  for (const [subpath, conditions] of Object.entries(room.manifest.exports ?? {})) {
    const source = typeof conditions === "object" ? conditions["@coterie/source"] : undefined;
    const entry = subpath === "." ? "index" : subpath.slice(2);
    if (!source || room.nodeOnly.has(entry)) continue;
    const seen = new Set();
    const walk = (file) => {
      if (seen.has(file)) return;
      seen.add(file);
      if (nodeImports.has(file)) {
        breaches.push(
          `${where(file)}: ${nodeImports.get(file)} is reached from ${room.manifest.name}${subpath.slice(1)}, an entry for browsers`,
        );
      }
      for (const next of graph.get(file) ?? []) walk(next);
    };
    walk(join(room.dir, source));
  }
}

for (const breach of breaches) console.error(breach);
console.log(`layers: ${rooms.length} rooms, ${breaches.length} breaches`);
process.exit(breaches.length === 0 ? 0 : 1);
