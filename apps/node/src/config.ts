import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isOrigin } from "@coterie/transport/h2";
import { NodeError } from "./errors.ts";
import type { Retention } from "./prune.ts";
import { defaultRateLimits } from "./rate-limits.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { ClientSettings } from "./yaml/endpoints.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ControlOptions {
  /** Random unless given: one that stays is found again by its controller. */
  readonly nodeId?: string | undefined;
  readonly domain?: string | undefined;
  /** The domain's secret (SCT-01). */
  readonly secret?: string | undefined;
  /** `host:port` of `slim` as other domains reach it. */
  readonly external?: string | undefined;
  readonly controllers: readonly ClientSettings[];
  /** What the node answers about itself (SCT-06). It has no login. */
  readonly listen?: Address | undefined;
}

export type LogLevelName = "debug" | "info" | "warn" | "error" | "silent";
const logLevels: readonly LogLevelName[] = ["debug", "info", "warn", "error", "silent"];

export interface Config {
  /** Folder of the database; made where it is missing. */
  readonly data: string;
  readonly xmtp: Address;
  readonly slim?: Address | undefined;
  readonly control?: ControlOptions | undefined;
  readonly admin?: Address | undefined;
  readonly history?: Address | undefined;
  readonly historyDays: number;
  /** Pages that may call, by origin; empty: none. */
  readonly webOrigins: readonly string[];
  readonly logLevel: LogLevelName;
  /** How long calls under way may take once the node is asked to stop. */
  readonly graceMs: number;
  readonly rateLimits?: RateLimits | undefined;
  readonly retention: Retention;
  /** Where to ask about contract wallets, by chain id (XND-25). */
  readonly chains: ReadonlyMap<bigint, string>;
}

export type Command =
  | { readonly kind: "run"; readonly config: Config }
  /** Everything stands in this file (SND-01). */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

export const usage: string = `usage: node --config FILE | --data DIR [--xmtp HOST:PORT] [--slim HOST:PORT] [--controller URL …] [--admin HOST:PORT] [--history HOST:PORT] [--web-origin ORIGIN …] [--log-level LEVEL] [--grace MS] [--rate-limits] [--keep-… DAYS] [--chain eip155:ID=URL …]

  --config FILE      everything from a YAML file, in the shape of SLIM's or in the short form of docs/guides/operations.md; stands alone
  --data DIR         folder of the database (required without --config)
  --xmtp HOST:PORT   XMTP interface, gRPC over cleartext HTTP/2 (default 127.0.0.1:5556; port 0 takes a free one)
  --slim HOST:PORT   SLIM data plane, gRPC over cleartext HTTP/2 (default: off)
  --controller URL   registers the data plane with a controller (SLIM), such as http://127.0.0.1:50052; repeat it for more
  --node-id ID, --domain NAME, --domain-secret-file FILE, --external HOST:PORT
                     what the controller is told: who the node is, whose, by which secret, and where other domains reach --slim
  --control HOST:PORT
                     the data plane's links and routes, for operators (SLIM, default: off; customary port 46358)
  --admin HOST:PORT  /healthz and /metrics over HTTP (default: off; PORT alone means 127.0.0.1:PORT)
  --history HOST:PORT
                     keeps encrypted archives that installations of one person hand each other, over HTTP (default: off; customary port 5558)
  --keep-history DAYS
                     how long such an archive is kept (default 2)
  --web-origin ORIGIN
                     pages of this origin may call, by gRPC-web on the port of --xmtp; repeat it for more, * means any (default: none)
  --log-level LEVEL  ${logLevels.join(", ")} (default info), JSON lines on stderr
  --grace MS         time for calls under way when stopping (default 5000)
  --rate-limits      limit the calls of each address (default: off)
  --keep-messages DAYS, --keep-welcomes DAYS
                     delete older messages (never commits), older welcomes and key packages (default: keep everything)
  --chain eip155:ID=URL
                     ask this JSON-RPC endpoint about contract wallets of the chain; repeat it for more (default: none, such wallets are refused)
`;

/** Reads the command line; throws `node/bad-arguments` with one line that says what to change. */
export function parseCommand(args: readonly string[]): Command {
  const { values } = readFlags(args);
  if (values.help === true) return { kind: "help" };
  if (values.version === true) return { kind: "version" };
  if (values.config !== undefined) {
    if (Object.keys(values).length > 1) throw bad("--config stands alone: the file says the rest");
    return { kind: "file", path: values.config };
  }
  if (values.data === undefined || values.data === "") throw bad("--data DIR is required");
  return {
    kind: "run",
    config: {
      data: values.data,
      xmtp: parseAddress("--xmtp", values.xmtp ?? "127.0.0.1:5556"),
      slim: values.slim === undefined ? undefined : parseAddress("--slim", values.slim),
      control: parseControl(values),
      admin: values.admin === undefined ? undefined : parseAddress("--admin", values.admin),
      history: values.history === undefined ? undefined : parseAddress("--history", values.history),
      historyDays: parseDays("--keep-history", values["keep-history"]) ?? 2,
      webOrigins: parseOrigins(values["web-origin"] ?? []),
      logLevel: parseLevel(values["log-level"] ?? "info"),
      graceMs: parseNumber("--grace", values.grace ?? "5000", 3_600_000),
      rateLimits: values["rate-limits"] === true ? defaultRateLimits : undefined,
      retention: {
        messageDays: parseDays("--keep-messages", values["keep-messages"]),
        welcomeDays: parseDays("--keep-welcomes", values["keep-welcomes"]),
      },
      chains: parseChains(values.chain ?? []),
    },
  };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        config: { type: "string", short: "c" },
        data: { type: "string" },
        xmtp: { type: "string" },
        slim: { type: "string" },
        controller: { type: "string", multiple: true },
        control: { type: "string" },
        "node-id": { type: "string" },
        domain: { type: "string" },
        "domain-secret-file": { type: "string" },
        external: { type: "string" },
        admin: { type: "string" },
        history: { type: "string" },
        "keep-history": { type: "string" },
        "web-origin": { type: "string", multiple: true },
        "log-level": { type: "string" },
        grace: { type: "string" },
        "rate-limits": { type: "boolean" },
        "keep-messages": { type: "string" },
        "keep-welcomes": { type: "string" },
        chain: { type: "string", multiple: true },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** `HOST:PORT`, `[V6]:PORT`, `:PORT` or `PORT`; without a host it is the loopback. */
export function parseAddress(flag: string, text: string): Address {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^[\]:]*)):)?(\d{1,5})$/.exec(text);
  const port = match === null ? -1 : Number(match[3]);
  if (match === null || port > 65_535) throw bad(`${flag} must be HOST:PORT, not "${text}"`);
  return { host: match[1] ?? (match[2] || "127.0.0.1"), port };
}

function parseControl(values: ReturnType<typeof readFlags>["values"]): ControlOptions | undefined {
  const { controller = [], control } = values;
  if (controller.length === 0 && control === undefined) return undefined;
  if (values.slim === undefined) throw bad("--controller and --control need --slim");
  return {
    nodeId: values["node-id"],
    domain: values.domain,
    secret: readSecret(values["domain-secret-file"]),
    external: values.external,
    controllers: controller.map(parseController),
    listen: control === undefined ? undefined : parseAddress("--control", control),
  };
}

function parseController(endpoint: string): ClientSettings {
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw bad(`--controller must be like http://127.0.0.1:50052, not "${endpoint}"`);
  }
  return {
    endpoint,
    tls: undefined,
    serverName: undefined,
    auth: undefined,
    headers: new Map(),
    connectTimeoutMs: undefined,
  };
}

function readSecret(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw bad(`--domain-secret-file cannot be read: ${file}`, cause);
  }
}

function parseOrigins(origins: readonly string[]): readonly string[] {
  const wrong = origins.find((origin) => !isOrigin(origin));
  if (wrong === undefined) return origins;
  throw bad(`--web-origin must be like https://chat.example, not "${wrong}"`);
}

/** The words of an error name the chain at most: URLs hold their owners' keys. */
function parseChains(texts: readonly string[]): ReadonlyMap<bigint, string> {
  const chains = new Map<bigint, string>();
  for (const text of texts) {
    const match = /^eip155:(\d{1,20})=(https?:\/\/.+)$/s.exec(text);
    const url = match?.[2];
    if (match === null || url === undefined || !URL.canParse(url)) {
      throw bad("--chain must be like eip155:1=https://chain.example");
    }
    const chainId = BigInt(match[1] as string);
    if (chains.has(chainId)) throw bad(`--chain eip155:${chainId} is given twice`);
    chains.set(chainId, url);
  }
  return chains;
}

function parseLevel(text: string): LogLevelName {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw bad(`--log-level must be one of ${logLevels.join(", ")}`);
  return level;
}

function parseNumber(flag: string, text: string, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value < 0 || value > most) throw bad(`${flag} must be a number from 0 to ${most}`);
  return value;
}

function parseDays(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const days = parseNumber(flag, text, 36_500);
  // a welcome or message that is deleted at once never arrives
  if (days === 0) throw bad(`${flag} must be at least one day`);
  return days;
}

function bad(message: string, cause?: unknown): NodeError {
  return new NodeError("node/bad-arguments", {
    message: message.replaceAll(/\s+/g, " "),
    cause,
  });
}
