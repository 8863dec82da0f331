export { createWebSocketTransport } from "./websocket/client.ts";
export type { WebSocketLike, WebSocketTransportOptions } from "./websocket/client.ts";
