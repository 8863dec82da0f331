import { createServer } from "node:http";

/** A history server as released clients know it: `POST /upload` answers with an id, `GET /files/<id>` with the bytes. */
export async function startHistory() {
  const files = new Map();
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url === "/upload") {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => {
        const id = `archive-${files.size + 1}`;
        files.set(id, Buffer.concat(parts));
        response.end(id);
      });
      return;
    }
    const file = files.get(/^\/files\/([\w-]+)$/.exec(request.url)?.[1]);
    if (request.method === "GET" && file) return response.end(file);
    response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    files,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}
