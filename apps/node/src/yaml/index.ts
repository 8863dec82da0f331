// Configuration files: a node's own, and the reader that the command line and the channel manager use as well.
export { loadYaml, loadYamlFile } from "./load.ts";
export type { LoadedFile, ReferenceSources } from "./load.ts";
export { badConfig, durationOf } from "./section.ts";
export type { Section } from "./section.ts";
export { readClient, readServer, serverTls } from "./endpoints.ts";
export type { ClientAuth, ClientSettings, ServerAuth, ServerSettings } from "./endpoints.ts";
export type { TlsSettings } from "./tls.ts";
export { readNodeFile } from "./node-file.ts";
export type { NodeFile, PeerSettings } from "./node-file.ts";
