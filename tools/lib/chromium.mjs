// A Chromium for the checks that need a real browser: found, installed where the machine allows it, and started with a profile of its own.
// `node tools/lib/chromium.mjs` prints its path, after installing it where it is missing.
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

const runs = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Path of the machine's Chromium, or of the one that CHROMIUM names; undefined where there is none. */
function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"];
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(runs);
}

/** As `findChromium`, but installs Debian's package where there is none. Throws where that is not possible. */
function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const apt = (...args) => {
    const [command, ...rest] = [...sudo, "apt-get", "-qq", ...args];
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    // stdout belongs to whoever prints the path
    return spawnSync(command, rest, { env, stdio: ["ignore", 2, 2] }).status === 0;
  };
  const install = () => apt("install", "-y", "--no-install-recommends", "chromium");
  if (!install() && !(apt("update") && install())) {
    throw new Error("Chromium is missing and could not be installed (set CHROMIUM to its path)");
  }
  const installed = findChromium();
  if (!installed) throw new Error("Chromium was installed but is not in PATH (set CHROMIUM)");
  return installed;
}

const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Starts Chromium without a window and with a new profile. `context` is Playwright's BrowserContext; `close` ends the browser and deletes
 * the profile. Two profiles are two calls. `userDataDir` keeps a profile over restarts and is then the caller's to delete.
 */
export async function launchChromium({ args = [], userDataDir } = {}) {
  const executablePath = ensureChromium();
  const profile = userDataDir ?? mkdtempSync(join(tmpdir(), "coterie-chromium-"));
  const dropProfile = () => {
    if (userDataDir === undefined) rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: [...quiet, ...args],
    });
    const close = async () => {
      await context.close();
      dropProfile();
    };
    return { context, close, userDataDir: profile };
  } catch (error) {
    dropProfile();
    throw error;
  }
}

if (process.argv[1] === import.meta.filename) console.log(ensureChromium());
