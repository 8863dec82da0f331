export { createH2Transport } from "./h2/client.ts";
export type { H2TransportOptions } from "./h2/client.ts";
export type { ClientTls, TlsVersion } from "./h2/connection.ts";
export { createH2Server } from "./h2/server.ts";
export type { H2Server, H2ServerOptions, ServerTls } from "./h2/server.ts";
export { defaultLimits } from "./h2/limits.ts";
export type { ServerLimits } from "./h2/limits.ts";
export { isOrigin } from "./web/cors.ts";
export type { WebOptions } from "./web/cors.ts";
