import { formatSlimService } from "@coterie/wire/slim";
import type { App } from "../api/app.ts";
import { metadataOf } from "../api/config/session.ts";
import type { Metadata } from "../api/config/session.ts";
import { millisecondsOf } from "../api/duration.ts";
import type { Duration } from "../api/duration.ts";
import type { WaitOptions } from "../api/handle.ts";
import { Name, slimNameOf } from "../api/name.ts";
import type { NameLike } from "../api/name.ts";
import { openGroup, openPair } from "./bind.ts";
import { createCaller } from "./caller.ts";
import type { Answer, Caller, Requests } from "./caller.ts";
import { systemTime } from "./port.ts";
import { RpcCode, RpcError } from "./status.ts";

/** What one member of a group answers. */
export type MulticastItem =
  | { readonly kind: "message"; readonly source: Name; readonly message: Uint8Array }
  | { readonly kind: "error"; readonly source: Name; readonly error: RpcError };

/**
 * Calls to one service, or to several at a time. The first call makes a session, which serves all that follow (SRP-01). Without a timeout a call
 * has ten hours (SRP-07); whatever ends it otherwise than well is an `RpcError`.
 */
export class Channel implements AsyncDisposable {
  readonly #caller: Caller;
  readonly #isGroup: boolean;

  /**
   * To any instance of a service, or to one by its full name; a list is a group. Throws INVALID_ARGUMENT for a group of nobody, or of two
   * instances of one service.
   */
  constructor(app: App, remote: NameLike | readonly NameLike[], connectionId?: bigint) {
    const list = Array.isArray(remote) ? (remote as readonly NameLike[]) : undefined;
    const members = (list ?? [remote as NameLike]).map(slimNameOf);
    if (members.length === 0 || new Set(members.map(formatSlimService)).size < members.length) {
      throw new RpcError(RpcCode.InvalidArgument, "members");
    }
    this.#isGroup = list !== undefined;
    this.#caller = createCaller({
      open: () =>
        list === undefined
          ? openPair(app, remote as NameLike, connectionId)
          : openGroup(app, list, connectionId),
      members,
      isGroup: this.#isGroup,
      time: systemTime,
    });
  }

  static newWithConnection(app: App, remote: NameLike, connectionId?: bigint): Channel {
    return new Channel(app, remote, connectionId);
  }
  static newGroup(app: App, members: readonly NameLike[]): Channel {
    return new Channel(app, members);
  }
  static newGroupWithConnection(
    app: App,
    members: readonly NameLike[],
    connectionId?: bigint,
  ): Channel {
    return new Channel(app, members, connectionId);
  }

  /** One request, one answer. */
  async callUnary(
    service: string,
    method: string,
    request: Uint8Array,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<Uint8Array> {
    return this.#first(this.#call(service, method, [request], true, timeout, metadata, options));
  }
  callUnaryAsync(...args: Parameters<Channel["callUnary"]>): Promise<Uint8Array> {
    return this.callUnary(...args);
  }

  /** One request, answers as they come. Leaving the loop cancels the call (SRP-09). */
  callUnaryStream(
    service: string,
    method: string,
    request: Uint8Array,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): AsyncGenerator<Uint8Array, void, void> {
    return this.#all(this.#call(service, method, [request], false, timeout, metadata, options));
  }

  /** Many requests, one answer. */
  async callStreamUnary(
    service: string,
    method: string,
    requests: Requests,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<Uint8Array> {
    return this.#first(this.#call(service, method, requests, true, timeout, metadata, options));
  }

  /** Many requests, answers as they come. */
  callStreamStream(
    service: string,
    method: string,
    requests: Requests,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): AsyncGenerator<Uint8Array, void, void> {
    return this.#all(this.#call(service, method, requests, false, timeout, metadata, options));
  }

  /** One request to all members; what each of them answers. A member that fails is an item, the others go on. */
  callMulticastUnary(
    service: string,
    method: string,
    request: Uint8Array,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): AsyncGenerator<MulticastItem, void, void> {
    return items(this.#call(service, method, [request], true, timeout, metadata, options));
  }
  callMulticastUnaryStream(
    service: string,
    method: string,
    request: Uint8Array,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): AsyncGenerator<MulticastItem, void, void> {
    return items(this.#call(service, method, [request], false, timeout, metadata, options));
  }
  callMulticastStreamUnary(
    service: string,
    method: string,
    requests: Requests,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): AsyncGenerator<MulticastItem, void, void> {
    return items(this.#call(service, method, requests, true, timeout, metadata, options));
  }
  callMulticastStreamStream(
    service: string,
    method: string,
    requests: Requests,
    timeout?: Duration | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): AsyncGenerator<MulticastItem, void, void> {
    return items(this.#call(service, method, requests, false, timeout, metadata, options));
  }

  /** Ends the session. Calls that are under way end with UNAVAILABLE; the next call makes another session. */
  close(): Promise<void> {
    return this.#caller.close();
  }
  closeAsync(): Promise<void> {
    return this.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call(
    service: string,
    method: string,
    requests: Requests,
    single: boolean,
    timeout: Duration | null | undefined,
    metadata: Metadata | null | undefined,
    options: WaitOptions | undefined,
  ): AsyncGenerator<Answer, void, void> {
    return this.#caller.call(service, method, requests, {
      single,
      timeoutMs: timeout === undefined || timeout === null ? undefined : millisecondsOf(timeout),
      metadata: metadataOf(metadata),
      signal: options?.signal,
    });
  }

  async *#all(answers: AsyncGenerator<Answer, void, void>): AsyncGenerator<Uint8Array, void, void> {
    for await (const answer of answers) {
      if (answer.kind === "error") throw answer.error;
      yield answer.payload;
    }
  }

  async #first(answers: AsyncGenerator<Answer, void, void>): Promise<Uint8Array> {
    for await (const payload of this.#all(answers)) return payload;
    throw new RpcError(RpcCode.Internal, "no answer");
  }
}

async function* items(
  answers: AsyncGenerator<Answer, void, void>,
): AsyncGenerator<MulticastItem, void, void> {
  for await (const answer of answers) {
    const source = Name.of(answer.source);
    if (answer.kind === "error") yield { kind: "error", source, error: answer.error };
    else yield { kind: "message", source, message: answer.payload };
  }
}
