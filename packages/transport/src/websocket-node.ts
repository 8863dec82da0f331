export { nodeWebSocket } from "./websocket/node-socket.ts";
export type { NodeSocketOptions } from "./websocket/node-socket.ts";
export { createWebSocketServer } from "./websocket/server.ts";
export type {
  ListeningWebSocketServer,
  WebSocketServerLimits,
  WebSocketServerOptions,
} from "./websocket/server.ts";
