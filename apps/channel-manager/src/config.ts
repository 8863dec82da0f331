import { readClient, readServer } from "@coterie/node/yaml";
import type { ClientSettings, LoadedFile, Section, ServerSettings } from "@coterie/node/yaml";
import { formatSlimService } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { parseChannelName, parseParticipantName } from "./names.ts";

/** What a channel manager's part of a configuration file says (SCM-07). */
export interface ManagerConfig {
  /** The node that its app connects to. */
  readonly connection: ClientSettings;
  /** What operators ask; customary port 10356. */
  readonly api: ServerSettings;
  readonly localName: SlimName;
  readonly identity: ManagerIdentity;
  /** Not empty: config mode (SCM-06). */
  readonly channels: readonly ConfiguredChannel[];
  readonly persistence: ManagerPersistence | undefined;
}

export interface ManagerIdentity {
  readonly kind: "shared-secret";
  readonly id: string;
  readonly secret: string;
}

export interface ConfiguredChannel {
  readonly name: SlimName;
  readonly participants: readonly SlimName[];
  readonly mls: boolean;
}

export interface ManagerPersistence {
  /** Folder. */
  readonly path: string;
  /** Undefined where the file says that it may be read by whoever reads the folder. */
  readonly passphrase: string | undefined;
  readonly deleteOnShutdown: boolean;
}

/** Reads the part `channel-manager` of a file; others' parts of it may stand beside. Throws `node/bad-config`. */
export function readManagerConfig({ top }: LoadedFile): ManagerConfig {
  const section = needed(top, "channel-manager");
  const localName = section.text("local-name");
  if (localName === undefined) throw section.bad("local-name", "must be org/namespace/app");
  const name = nameOf(section, "local-name", localName, parseChannelName);
  const config: ManagerConfig = {
    connection: readClient(needed(section, "slim-connection")),
    api: readServer(needed(section, "api-server")),
    localName: name,
    identity: readIdentity(needed(section, "auth"), name),
    channels: section.sections("channels").map(readChannel),
    persistence: readPersistence(section.section("persistence")),
  };
  section.end();
  const names = config.channels.map((channel) => formatSlimService(channel.name));
  const twice = names.findIndex((channel, at) => names.indexOf(channel) !== at);
  if (twice >= 0) throw section.bad(`channels[${twice}].name`, "is a channel that stands above");
  return config;
}

function needed(section: Section, key: string): Section {
  const found = section.section(key);
  if (found === undefined) throw section.bad(key, "must be there");
  return found;
}

function readIdentity(auth: Section, name: SlimName): ManagerIdentity {
  if (auth.text("type") !== "shared_secret") throw auth.bad("type", "must be shared_secret");
  const secret = auth.text("secret");
  // SID-02
  if (secret === undefined || Buffer.byteLength(secret) < 32) {
    throw auth.bad("secret", "must be a text of at least 32 bytes");
  }
  const id = auth.text("id") ?? formatSlimService(name);
  auth.end();
  return { kind: "shared-secret", id, secret };
}

function readChannel(section: Section): ConfiguredChannel {
  const text = section.text("name");
  if (text === undefined) throw section.bad("name", "must be org/namespace/channel");
  const channel = {
    name: nameOf(section, "name", text, parseChannelName),
    participants: section
      .texts("participants")
      .map((name, at) => nameOf(section, `participants[${at}]`, name, parseParticipantName)),
    mls: section.flag("mls-enabled") ?? true,
  };
  section.end();
  return channel;
}

function readPersistence(section: Section | undefined): ManagerPersistence | undefined {
  if (section === undefined) return undefined;
  const path = section.text("path");
  const passphrase = section.text("encryption-passphrase");
  const insecure = section.flag("insecure") ?? false;
  const deleteOnShutdown = section.flag("delete-sessions-on-shutdown") ?? true;
  section.end();
  if (path === undefined || path === "") throw section.bad("path", "must name a folder");
  if (insecure && passphrase !== undefined) {
    throw section.bad("insecure", "and encryption-passphrase exclude each other");
  }
  if (!insecure && !passphrase) {
    throw section.bad("encryption-passphrase", "must be there, unless insecure is true");
  }
  return { path, passphrase, deleteOnShutdown };
}

function nameOf(
  section: Section,
  key: string,
  text: string,
  parse: (text: string) => SlimName,
): SlimName {
  try {
    return parse(text);
  } catch (error) {
    throw section.bad(key, `is no name: ${error instanceof Error ? error.message : String(error)}`);
  }
}
