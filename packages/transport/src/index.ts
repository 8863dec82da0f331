export { Status } from "./transport.ts";
export type {
  CallContext,
  CallOptions,
  Duplex,
  DuplexHandler,
  IncomingStream,
  Metadata,
  Route,
  Routes,
  ServerStreamHandler,
  StatusCode,
  Transport,
  UnaryHandler,
} from "./transport.ts";
export { StatusError, TransportError } from "./errors.ts";
export type { Sent, TransportErrorOptions } from "./errors.ts";
export { acceptBasic, acceptBearer, basicAuthorization, guardRoutes } from "./authorization.ts";
export type { Authorize, BasicCredentials } from "./authorization.ts";
export { createMemoryTransport } from "./memory.ts";
export type { CallFault, Faults, MemoryOptions, MemoryTransport } from "./memory.ts";
