import { SessionError } from "../errors.ts";
import type { SlimErrorTag } from "../errors.ts";

/** One kind of error, as code written for the bindings tells them apart: `SlimError.Timeout.instanceOf(error)`. */
export interface SlimErrorKind {
  new (inner: { readonly message: string }): SessionError;
  "new"(inner: { readonly message: string }): SessionError;
  instanceOf(value: unknown): value is SessionError;
  hasInner(value: unknown): value is SessionError;
  getInner(error: SessionError): { readonly message: string };
}

export const SlimError_Tags = {
  ServiceError: "ServiceError",
  SessionError: "SessionError",
  ReceiveError: "ReceiveError",
  SendError: "SendError",
  AuthError: "AuthError",
  ConfigError: "ConfigError",
  RpcError: "RpcError",
  Timeout: "Timeout",
  InvalidArgument: "InvalidArgument",
  InternalError: "InternalError",
} as const;
export type SlimError_Tags = SlimErrorTag;

/** What this package throws, by the names of the bindings. */
export type SlimError = SessionError;
export const SlimError: { instanceOf(value: unknown): value is SessionError } & Readonly<
  Record<SlimErrorTag, SlimErrorKind>
> = {
  instanceOf: (value) => value instanceof SessionError,
  ServiceError: kindOf("ServiceError"),
  SessionError: kindOf("SessionError"),
  ReceiveError: kindOf("ReceiveError"),
  SendError: kindOf("SendError"),
  AuthError: kindOf("AuthError"),
  ConfigError: kindOf("ConfigError"),
  RpcError: kindOf("RpcError"),
  Timeout: kindOf("Timeout"),
  InvalidArgument: kindOf("InvalidArgument"),
  InternalError: kindOf("InternalError"),
};

function kindOf(tag: SlimErrorTag): SlimErrorKind {
  const make = ({ message }: { readonly message: string }): SessionError =>
    new SessionError("session/refused", {}, undefined, { tag, message });
  const is = (value: unknown): value is SessionError =>
    value instanceof SessionError && value.tag === tag;
  function Kind(inner: { readonly message: string }): SessionError {
    return make(inner);
  }
  const statics = {
    new: make,
    instanceOf: is,
    hasInner: is,
    getInner: (error: SessionError) => error.inner,
  };
  return Object.assign(Kind, statics) as unknown as SlimErrorKind;
}
