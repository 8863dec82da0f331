import { randomBytes } from "node:crypto";
import { createReadStream, mkdirSync } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Clock, Log as Logger } from "@coterie/base";
import { listenError } from "./admin.ts";

/**
 * Keeps encrypted archives for the installations of one person (XHS-06): `POST /upload` answers with an id, `GET /files/<id>` with the
 * bytes. It can read none of them; who knows an id may fetch it, and ids are not to be guessed.
 */
export interface HistoryOptions {
  readonly host: string;
  readonly port: number;
  /** Made where it is missing. */
  readonly folder: string;
  /** Of one archive, and of all together. */
  readonly maxBytes: number;
  readonly maxTotalBytes: number;
  readonly keepMs: number;
  /** Pages that may call, by origin; `*` for any. */
  readonly webOrigins: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface HistoryServer {
  readonly url: string;
  close(): Promise<void>;
}

const gone: ReadonlySet<string> = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"]);
const idBytes = 24;
const idPattern = /^\/files\/([0-9a-f]{48})$/;
const sweepEveryMs = 600_000;

class Refusal extends Error {
  readonly status: number;
  constructor(status: number) {
    super(String(status));
    this.status = status;
  }
}

export async function startHistory(options: HistoryOptions): Promise<HistoryServer> {
  const { folder, logger } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let total = await sweep(options, true);

  async function upload(request: IncomingMessage): Promise<string> {
    const announced = Number(request.headers["content-length"] ?? 0);
    if (announced > options.maxBytes) throw new Refusal(413);
    if (total + announced > options.maxTotalBytes) throw new Refusal(507);
    const id = randomBytes(idBytes).toString("hex");
    const part = join(folder, `${id}.part`);
    let size = 0;
    try {
      const file = await open(part, "wx", 0o600);
      try {
        for await (const chunk of request as AsyncIterable<Uint8Array>) {
          // Counted as it comes: a length may be missing or wrong, and others upload meanwhile.
          size += chunk.length;
          total += chunk.length;
          if (size > options.maxBytes) throw new Refusal(413);
          if (total > options.maxTotalBytes) throw new Refusal(507);
          await file.appendFile(chunk);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, join(folder, id));
      return id;
    } catch (error) {
      total -= size;
      await rm(part, { force: true });
      throw error;
    }
  }

  async function download(id: string, response: ServerResponse, head: boolean): Promise<void> {
    const path = join(folder, id);
    const found = await stat(path).catch(() => undefined);
    if (!found || isOld(found.mtimeMs, options)) throw new Refusal(404);
    response.writeHead(200, {
      "content-type": "application/octet-stream",
      "content-length": found.size,
      "cache-control": "no-store",
    });
    if (head) return void response.end();
    await pipeline(createReadStream(path), response);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin } = request.headers;
    const { webOrigins } = options;
    if (origin !== undefined && (webOrigins.includes("*") || webOrigins.includes(origin))) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("vary", "origin");
      response.setHeader("access-control-allow-methods", "GET, POST");
      response.setHeader("access-control-allow-headers", "content-type");
      if (request.method === "OPTIONS") return void response.writeHead(204).end();
    }
    const { method = "", url = "" } = request;
    if (url === "/upload") {
      if (method !== "POST") throw new Refusal(405);
      const id = await upload(request);
      response.writeHead(200, { "content-type": "text/plain" }).end(id);
      return;
    }
    const id = idPattern.exec(url)?.[1];
    if (id === undefined) throw new Refusal(404);
    if (method !== "GET" && method !== "HEAD") throw new Refusal(405);
    await download(id, response, method === "HEAD");
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // Whoever called has gone: nobody is left to tell, and nothing is wrong here.
      if (gone.has(String((error as { code?: unknown } | null)?.code))) return;
      const status = error instanceof Refusal ? error.status : 500;
      if (status === 500) logger.write("warn", "node.history-failed", { error });
      if (response.headersSent) return void response.destroy();
      // What is left of a body that nobody wants is not waited for.
      response.writeHead(status, { "content-type": "text/plain", connection: "close" });
      response.end(() => request.destroy());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(options, cause)));
    server.listen(options.port, options.host, resolve);
  });
  const timer = setInterval(() => {
    sweep(options, false).then(
      (left) => (total = left),
      (error: unknown) => logger.write("warn", "node.history-failed", { error }),
    );
  }, sweepEveryMs);
  timer.unref();
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isOld(mtimeMs: number, { clock, keepMs }: HistoryOptions): boolean {
  return mtimeMs + keepMs < Number(clock.nowNs() / 1_000_000n);
}

/** Deletes what is old, and at the start what a crash left unfinished; gives the bytes that stay. */
async function sweep(options: HistoryOptions, starting: boolean): Promise<number> {
  let total = 0;
  for (const name of await readdir(options.folder)) {
    const path = join(options.folder, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    const unfinished = name.endsWith(".part");
    if (isOld(found.mtimeMs, options) || (unfinished && starting)) await rm(path, { force: true });
    else total += found.size;
  }
  return total;
}
