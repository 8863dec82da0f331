// Inputs that reached something new, one base64 line each, one file per target.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "corpus");
const fileOf = (target) => join(folder, `${target}.txt`);

export function readCorpus(target) {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter(Boolean).map((line) => new Uint8Array(Buffer.from(line, "base64")));
}

export function writeCorpus(target, inputs) {
  mkdirSync(folder, { recursive: true });
  const lines = inputs.map((bytes) => Buffer.from(bytes).toString("base64")).toSorted();
  writeFileSync(fileOf(target), lines.length > 0 ? `${lines.join("\n")}\n` : "");
}
