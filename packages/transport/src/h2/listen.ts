import { lstatSync, unlinkSync } from "node:fs";
import * as net from "node:net";
import { invariant } from "@coterie/base";

/** What listens: a server of Node, or what stands in front of one. */
interface Listener {
  once(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  listen(options: net.ListenOptions, listening: () => void): unknown;
  address(): net.AddressInfo | string | null;
}

export interface ListenAt {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
}

export interface Bound {
  /** Host and port, or the path and 0. */
  readonly address: { readonly host: string; readonly port: number };
  /** With the scheme for host and port. */
  url(scheme: string): string;
}

/** Listens, or throws what the system says. */
export async function listenOn(listener: Listener, at: ListenAt): Promise<Bound> {
  const { path } = at;
  if (path === undefined) {
    await attempt(listener, { host: at.host ?? "127.0.0.1", port: at.port ?? 0 });
    const bound = listener.address();
    invariant(bound !== null && typeof bound === "object", "a listening server has an address");
    const { address: host, port } = bound;
    const name = host.includes(":") ? `[${host}]` : host;
    return { address: { host, port }, url: (scheme) => `${scheme}://${name}:${port}` };
  }
  try {
    await attempt(listener, { path });
  } catch (error) {
    const isLeft = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
    if (!isLeft || (await answers(path))) throw error;
    unlinkSync(path); // left behind by a process that died
    await attempt(listener, { path });
  }
  return { address: { host: path, port: 0 }, url: () => `unix://${encodeURI(path)}` };
}

function attempt(listener: Listener, options: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(options, () => {
      listener.off("error", reject);
      resolve();
    });
  });
}

/** Somebody listens at the socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: { code?: unknown }) => resolve(error.code !== "ECONNREFUSED"));
  });
}
