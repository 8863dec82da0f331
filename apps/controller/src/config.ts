import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newInsecureClientConfig, newSecureClientConfig } from "@coterie/session";
import { acceptBasic } from "@coterie/transport";
import type { Authorize } from "@coterie/transport";
import type { ServerTls } from "@coterie/transport/h2";
import type { ControllerAppOptions } from "./app.ts";
import { ControllerError } from "./errors.ts";
import type { Address, ControllerOptions } from "./server.ts";

export type Command =
  | { readonly kind: "run"; readonly options: ControllerOptions; readonly quiet: boolean }
  | { readonly kind: "help" };

export const usage: string = `usage: controller [--data DIR] [--southbound HOST:PORT] [--northbound HOST:PORT] [--open] [--node URL --secret-file FILE …]

  --data DIR               folder of the database (default: everything is forgotten at the end)
  --southbound HOST:PORT   what nodes dial (default 127.0.0.1:50052)
  --northbound HOST:PORT   what operators ask (default 127.0.0.1:50051)
  --operators-file FILE    user:password of the operators (default: whoever reaches it)
  --tls-cert FILE, --tls-key FILE, --client-ca FILE
                           TLS on all listeners, and who signs the certificates of callers (default: cleartext)
  --domain-secret NAME=FILE
                           secret of a domain whose nodes show tokens made with it, as released nodes do; repeat it for more
  --open                   let in nodes of domains that have no secret
  --node URL               node that the controller's own app connects to; without one there are no channels
  --secret-file FILE       shared secret of that app, at least 32 bytes
  --name ORG/NS/APP        its name (default agntcy/controller/slim-controller)
  --passphrase-file FILE   keeps hosted channels over restarts, under DIR, encrypted
  --channel-manager HOST:PORT
                           channel manager over the hosted channels (default: off, customary port 10356)
  --quiet                  no log on stderr
`;

/** Reads the command line; throws `controller/bad-arguments` with one line that says what to change. */
export function parseCommand(args: readonly string[]): Command {
  const { values } = readFlags(args);
  if (values.help === true) return { kind: "help" };
  const manager = values["channel-manager"];
  if (manager !== undefined && values.node === undefined) {
    throw bad("--channel-manager needs --node");
  }
  const options: ControllerOptions = {
    data: values.data,
    southbound: parseAddress("--southbound", values.southbound ?? "127.0.0.1:50052"),
    northbound: parseAddress("--northbound", values.northbound ?? "127.0.0.1:50051"),
    channelManager: manager === undefined ? undefined : parseAddress("--channel-manager", manager),
    admission: { open: values.open === true },
    domainSecrets: readDomainSecrets(values["domain-secret"] ?? []),
    operators: readOperators(values["operators-file"]),
    tls: readTls(values),
    app: readApp(values),
  };
  return { kind: "run", options, quiet: values.quiet === true };
}

function readDomainSecrets(texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    texts.map((text): [string, string] => {
      const [, domain, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (domain === undefined || file === undefined) {
        throw bad("--domain-secret must be NAME=FILE");
      }
      const secret = readWord("--domain-secret", file);
      if (Buffer.byteLength(secret) < 32) throw bad("--domain-secret must hold at least 32 bytes");
      return [domain, secret];
    }),
  );
}

function readOperators(file: string | undefined): Authorize | undefined {
  if (file === undefined) return undefined;
  const [username = "", ...password] = readWord("--operators-file", file).split(":");
  if (username === "" || password.length === 0) {
    throw bad("--operators-file must hold user:password");
  }
  return acceptBasic({ username, password: password.join(":") });
}

function readTls(values: ReturnType<typeof readFlags>["values"]): ServerTls | undefined {
  const { "tls-cert": cert, "tls-key": key, "client-ca": ca } = values;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined) throw bad("--tls-cert and --tls-key go together");
  return {
    cert: readWord("--tls-cert", cert),
    key: readWord("--tls-key", key),
    clientCa: ca === undefined ? undefined : readWord("--client-ca", ca),
  };
}

function readApp(values: ReturnType<typeof readFlags>["values"]): ControllerAppOptions | undefined {
  const { node, data, name } = values;
  if (node === undefined) return undefined;
  if (!/^https?:\/\//.test(node) || !URL.canParse(node)) {
    throw bad(`--node must be like http://127.0.0.1:46357, not "${node}"`);
  }
  if (values["secret-file"] === undefined) throw bad("--node needs --secret-file");
  const passphraseFile = values["passphrase-file"];
  if (passphraseFile !== undefined && data === undefined) {
    throw bad("--passphrase-file needs --data");
  }
  const secret = readWord("--secret-file", values["secret-file"]);
  if (Buffer.byteLength(secret) < 32) throw bad("--secret-file must hold at least 32 bytes");
  return {
    node: node.startsWith("https:") ? newSecureClientConfig(node) : newInsecureClientConfig(node),
    credentials: { kind: "shared-secret", secret },
    name,
    persistence:
      passphraseFile === undefined || data === undefined
        ? undefined
        : {
            path: join(data, "sessions"),
            passphrase: readWord("--passphrase-file", passphraseFile),
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
        data: { type: "string" },
        southbound: { type: "string" },
        northbound: { type: "string" },
        "operators-file": { type: "string" },
        "tls-cert": { type: "string" },
        "tls-key": { type: "string" },
        "client-ca": { type: "string" },
        "domain-secret": { type: "string", multiple: true },
        open: { type: "boolean" },
        node: { type: "string" },
        "secret-file": { type: "string" },
        name: { type: "string" },
        "passphrase-file": { type: "string" },
        "channel-manager": { type: "string" },
        quiet: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** `HOST:PORT`, `[V6]:PORT` or `PORT`; without a host it is the loopback. */
function parseAddress(flag: string, text: string): Address {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^[\]:]*)):)?(\d{1,5})$/.exec(text);
  const port = match === null ? -1 : Number(match[3]);
  if (match === null || port > 65_535) throw bad(`${flag} must be HOST:PORT, not "${text}"`);
  return { host: match[1] ?? (match[2] || "127.0.0.1"), port };
}

function readWord(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw bad(`${flag} cannot be read: ${file}`, cause);
  }
}

function bad(message: string, cause?: unknown): ControllerError {
  return new ControllerError("controller/bad-arguments", {
    message: message.replaceAll(/\s+/g, " "),
    cause,
  });
}
