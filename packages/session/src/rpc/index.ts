// Calls over SLIM sessions: SlimRPC, on the wire of the released bindings.
export { Channel } from "./channel.ts";
export type { MulticastItem } from "./channel.ts";
export type { Requests } from "./caller.ts";
export { Server } from "./server.ts";
export type {
  StreamStreamHandler,
  StreamUnaryHandler,
  UnaryStreamHandler,
  UnaryUnaryHandler,
} from "./handlers.ts";
export type { RpcContext } from "./context.ts";
export { RpcCode, RpcError } from "./status.ts";
