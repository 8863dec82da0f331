import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { CliError } from "./errors.ts";

/** What one identity of the command line keeps, in a folder of its own. */
export interface Home {
  readonly folder: string;
  readonly url: string;
  /** Key of the database: 32 bytes in hex. */
  readonly key: string;
  /** Key of the wallet, likewise. */
  readonly wallet: string;
  readonly database: string;
}

const defaultUrl = "http://127.0.0.1:5556";
const hexKey = /^(?:0x)?[0-9a-fA-F]{64}$/;

/** `--home`, COTERIE_HOME, or `~/.coterie`. */
export function homeFolder(given: string | undefined): string {
  return resolve(given ?? (process.env["COTERIE_HOME"] || join(homedir(), ".coterie")));
}

/** Reads the folder. Throws `cli/not-initialized` and `cli/bad-home`. */
export function readHome(folder: string, url: string | undefined): Home {
  if (!existsSync(join(folder, "config.json"))) {
    throw new CliError("cli/not-initialized", `no identity in ${folder}: run coterie init`);
  }
  return {
    folder,
    url: url ?? process.env["COTERIE_URL"] ?? configuredUrl(folder),
    key: process.env["COTERIE_KEY"]
      ? keyOf("COTERIE_KEY", process.env["COTERIE_KEY"])
      : readKey(folder, "db.key"),
    wallet: process.env["COTERIE_WALLET"]
      ? keyOf("COTERIE_WALLET", process.env["COTERIE_WALLET"])
      : readKey(folder, "wallet.key"),
    database: join(folder, "client.db"),
  };
}

/** Makes the folder with new keys, those that the environment gives excepted: they are not written down. */
export function createHome(folder: string, url: string | undefined): Home {
  if (existsSync(join(folder, "config.json"))) {
    throw new CliError("cli/already-initialized", `${folder} holds an identity already`);
  }
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CliError("cli/bad-home", `${folder} cannot be made`, { cause });
  }
  for (const [name, variable] of [
    ["db.key", "COTERIE_KEY"],
    ["wallet.key", "COTERIE_WALLET"],
  ] as const) {
    const given = process.env[variable];
    if (given) keyOf(variable, given);
    else if (!existsSync(join(folder, name)))
      writeSecret(join(folder, name), randomBytes(32).toString("hex"));
  }
  const config = { url: url ?? process.env["COTERIE_URL"] ?? defaultUrl };
  // Last of all: a folder with it is complete.
  writeSecret(join(folder, "config.json"), JSON.stringify(config));
  return readHome(folder, url);
}

function configuredUrl(folder: string): string {
  try {
    const { url } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as {
      url?: unknown;
    };
    if (typeof url === "string") return url;
  } catch (cause) {
    throw new CliError("cli/bad-home", `${folder}/config.json is damaged`, { cause });
  }
  throw new CliError("cli/bad-home", `${folder}/config.json names no url`);
}

function readKey(folder: string, name: string): string {
  const path = join(folder, name);
  let text: string;
  try {
    // Others may not read it: a key that they may have read is worth saying.
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    text = readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new CliError("cli/bad-home", `${path} cannot be read`, { cause });
  }
  return keyOf(path, text);
}

function keyOf(where: string, text: string): string {
  if (!hexKey.test(text)) throw new CliError("cli/bad-home", `${where} must be 32 bytes in hex`);
  return text.replace(/^0x/, "").toLowerCase();
}

function writeSecret(path: string, text: string): void {
  writeFileSync(path, `${text}\n`, { mode: 0o600, flag: "wx" });
}
