import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import type { Document } from "yaml";
import { createSection, badConfig } from "./section.ts";
import type { Section } from "./section.ts";

/** Where references of a file lead. */
export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

/** A file that was read: its top, and the paths of keys that are known and not used. */
export interface LoadedFile {
  readonly top: Section;
  readonly notes: string[];
}

const machine: ReferenceSources = {
  env: process.env,
  readFile: (path) => readFileSync(path, "utf8"),
};

/** Reads a YAML file and expands its references. Throws `node/bad-config`. */
export function loadYamlFile(path: string, sources: ReferenceSources = machine): LoadedFile {
  let text: string;
  try {
    text = sources.readFile(path);
  } catch (cause) {
    throw badConfig("", `${path} cannot be read`, cause);
  }
  return loadYaml(text, sources);
}

/** The same for the text of a file. An empty one is an empty mapping. */
export function loadYaml(text: string, sources: ReferenceSources = machine): LoadedFile {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "error" });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = text.slice(0, problem.pos[0]).split("\n").length;
    throw badConfig("", `is no YAML: line ${line}: ${problem.code.toLowerCase()}`);
  }
  const notes: string[] = [];
  const value = expandReferences(valueOf(document), "", sources, 0);
  return { top: createSection(value, "", notes), notes };
}

function valueOf(document: Document): unknown {
  try {
    // Aliases that multiply would fill the memory before anything could be checked.
    return (document.toJS({ maxAliasCount: 100 }) as unknown) ?? {};
  } catch (cause) {
    throw badConfig("", "has an alias that leads nowhere, or too many", cause);
  }
}

/** Deeper than any configuration: an alias within its own anchor has no end. */
const deepest = 32;

/**
 * SCM-07: a text that is `${env:NAME}` or `${file:/path}` and nothing else stands for what is there, less the line end of a file. What it
 * stands for is not looked at again.
 */
function expandReferences(
  value: unknown,
  path: string,
  sources: ReferenceSources,
  depth: number,
): unknown {
  if (depth > deepest) throw badConfig(path, "is nested too deeply");
  if (typeof value === "string") return expandText(value, path, sources);
  if (Array.isArray(value)) {
    return value.map((entry, index) =>
      expandReferences(entry, `${path}[${index}]`, sources, depth + 1),
    );
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      expandReferences(entry, path === "" ? key : `${path}.${key}`, sources, depth + 1),
    ]),
  );
}

function expandText(text: string, path: string, { env, readFile }: ReferenceSources): string {
  const match = /^\$\{([^:}]*):(.*)\}$/s.exec(text);
  if (match === null) return text;
  const [, provider, reference = ""] = match;
  if (provider === "env") {
    const found = env[reference];
    if (found === undefined) throw badConfig(path, `needs ${reference} in the environment`);
    return found;
  }
  if (provider === "file") {
    try {
      return readFile(reference).replace(/\r?\n$/, "");
    } catch (cause) {
      throw badConfig(path, `needs ${reference}, which cannot be read`, cause);
    }
  }
  throw badConfig(path, "refers to neither env: nor file:");
}
