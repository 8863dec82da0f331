export { createGrpcWebTransport } from "./web/client.ts";
export type { GrpcWebTransportOptions } from "./web/client.ts";
