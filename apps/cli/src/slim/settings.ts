import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parseDocument } from "yaml";
import type { Document } from "yaml";
import { loadYaml } from "@coterie/node/yaml";
import type { Section } from "@coterie/node/yaml";
import { CoterieError } from "@coterie/base";
import { CliError } from "../errors.ts";
import { homeFolder } from "../home.ts";

/** What a file of settings says; the shape is that of SLIM's own tool. */
export interface Settings {
  readonly endpoint?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** `username:password`. */
  readonly basicAuth?: string | undefined;
  readonly tls?: TlsSettings | undefined;
}

interface TlsSettings {
  readonly on: boolean;
  readonly insecureSkipVerify: boolean | undefined;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** `given`, or what is found of `slim.yaml` in the home folder and the file of SLIM's own tool; else where a first one would be written. */
export function settingsPath(given: string | undefined): string {
  if (given !== undefined) return given;
  const own = join(homeFolder(undefined), "slim.yaml");
  const theirs = join(homedir(), ".slimctl", "config.yaml");
  return !existsSync(own) && existsSync(theirs) ? theirs : own;
}

/** Nothing is set where no file was named and none is found. Throws `cli/bad-settings`. */
export function readSettings(given: string | undefined): Settings {
  const path = settingsPath(given);
  if (given === undefined && !existsSync(path)) return {};
  try {
    return parse(loadYaml(readFileSync(path, "utf8")).top);
  } catch (cause) {
    const words = cause instanceof CoterieError ? cause.message : "cannot be read";
    throw new CliError("cli/bad-settings", `${path}: ${words}`, { cause });
  }
}

function parse(top: Section): Settings {
  const auth = top.section("auth");
  const tls = top.section("tls");
  return {
    endpoint: top.text("endpoint") || undefined,
    timeoutMs: top.durationMs("request_timeout"),
    basicAuth:
      auth?.text("type") === "basic"
        ? `${auth.text("username") ?? ""}:${auth.text("password") ?? ""}`
        : undefined,
    tls: tls && {
      on: tls.flag("insecure") === false,
      insecureSkipVerify: tls.flag("insecure_skip_verify"),
      caFile: tls.text("ca_file") ?? tls.section("ca_source")?.text("path"),
      certFile: tls.text("cert_file") ?? tls.section("source")?.text("cert"),
      keyFile: tls.text("key_file") ?? tls.section("source")?.text("key"),
    },
  };
}

/** Changes some keys of the file and leaves all else in it as it is, comments and references too. */
export function changeSettings(
  given: string | undefined,
  changes: readonly (readonly [path: readonly string[], value: unknown])[],
): string {
  const path = settingsPath(given);
  const document: Document = parseDocument(existsSync(path) ? readFileSync(path, "utf8") : "");
  if (document.errors.length > 0) throw new CliError("cli/bad-settings", `${path} is no YAML`);
  if (document.contents === null) document.contents = document.createNode({}) as never;
  for (const [key, value] of changes) document.setIn(key, document.createNode(value));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // a password may stand in it: nobody else reads it, also where the file was there before, and it is never half written
  const next = `${path}.${process.pid}.new`;
  writeFileSync(next, String(document), { mode: 0o600, flag: "wx" });
  renameSync(next, path);
  return path;
}

/** The file without what is secret in it; undefined where there is none. */
export function showSettings(given: string | undefined): string | undefined {
  const path = settingsPath(given);
  if (!existsSync(path)) return undefined;
  const document = parseDocument(readFileSync(path, "utf8"));
  for (const key of ["password", "secret", "token", "client_secret"]) {
    if (document.hasIn(["auth", key])) document.setIn(["auth", key], "***");
  }
  return String(document);
}
