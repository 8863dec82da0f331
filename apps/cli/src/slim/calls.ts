import { TransportError } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import type { Codec } from "@coterie/wire";
import { CliError } from "../errors.ts";
import type { Target } from "./target.ts";

/** Calls to one server of SLIM, with the codecs of their messages. */
export interface Calls {
  readonly timeoutMs: number;
  readonly transport: Transport;
  unary<Q, A>(
    path: string,
    request: readonly [Codec<Q>, Q],
    answer: Codec<A>,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<A>;
  /** All messages of a stream, once it has ended. */
  collect<Q, A>(path: string, request: readonly [Codec<Q>, Q], answer: Codec<A>): Promise<A[]>;
}

/** Connects, does the work and hangs up, whatever happens. */
export async function withCalls<T>(target: Target, work: (calls: Calls) => Promise<T>): Promise<T> {
  const { url, tls, timeoutMs, metadata } = target;
  const transport = createH2Transport({ url, tls, metadata, connectTimeoutMs: timeoutMs });
  try {
    return await work({
      timeoutMs,
      transport,
      async unary(path, [codec, request], answer, more) {
        const options = { timeoutMs, metadata: more };
        return answer.decode(await transport.unary(path, codec.encode(request), options));
      },
      async collect(path, [codec, request], answer) {
        const found = [];
        const options = { timeoutMs };
        for await (const message of transport.serverStream(path, codec.encode(request), options)) {
          found.push(answer.decode(message));
        }
        return found;
      },
    });
  } catch (error) {
    throw inWords(error, target);
  } finally {
    await transport.close();
  }
}

/** The server's own words where it answered; what to look at where it did not. */
function inWords(error: unknown, { url, timeoutMs }: Target): unknown {
  if (!(error instanceof TransportError)) return error;
  if (error.sent === "answered" && error.reason !== "") {
    return new CliError("cli/refused", error.reason, { cause: error });
  }
  if (error.code === "transport/deadline") {
    return new CliError("cli/no-answer", `no answer from ${url} within ${timeoutMs} ms`, {
      cause: error,
    });
  }
  const why = error.reason === "" ? error.code : `${error.code}: ${error.reason}`;
  return new CliError("cli/no-answer", `no answer from ${url} (${why})`, { cause: error });
}
