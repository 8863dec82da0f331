// Which Node the programs here run on. Nothing but the language is used: older ones read this file as well.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

/** The SQLite engine of the node and the command line needs 22.14. */
export const nodeIsOld = major < 22 || (major === 22 && minor < 14);

/** Where `tools/pnpm.mjs` puts a Node 24 when this one is too old. */
export const nodeHome = fileURLToPath(new URL("../../.tools/node-24", import.meta.url));

/** The program in there. */
export const newerNode = join(nodeHome, "node_modules", ".bin", "node");
