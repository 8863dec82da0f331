import { expect, test } from "vitest";
import { Status, StatusError, type Route, type Routes } from "@coterie/transport";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";

const routes: Routes = new Map<string, Route>([
  ["/t.T/Echo", { kind: "unary", handle: (request) => request }],
  ["/t.T/EchoLater", { kind: "unary", handle: async (request) => request }],
  [
    "/t.T/Fail",
    {
      kind: "unary",
      handle: () => {
        throw new StatusError(Status.notFound, "nö: 100%");
      },
    },
  ],
  [
    "/t.T/Count",
    {
      kind: "server-stream",
      headers: { subscribed: "true" },
      async *handle() {
        for (let i = 0; i < 10_000; i++) yield new Uint8Array([i & 255, i >> 8]);
      },
    },
  ],
  ["/t.T/Both", { kind: "duplex", handle: (requests) => requests }],
]);

test("h2: the first calls go through", async () => {
  const server = await createH2Server({ routes });
  const transport = createH2Transport({ url: server.url });
  expect(await transport.unary("/t.T/Echo", new Uint8Array([1, 2]))).toEqual(
    new Uint8Array([1, 2]),
  );
  const big = new Uint8Array(24 * 1024 * 1024).fill(7);
  expect((await transport.unary("/t.T/EchoLater", big)).length).toBe(big.length);
  await expect(transport.unary("/t.T/Fail", new Uint8Array())).rejects.toMatchObject({
    code: "transport/not-found",
    reason: "nö: 100%",
    sent: "answered",
  });
  await expect(transport.unary("/t.T/None", new Uint8Array())).rejects.toMatchObject({
    code: "transport/unimplemented",
  });
  const stream = transport.serverStream("/t.T/Count", new Uint8Array());
  expect(await stream.opened).toMatchObject({ subscribed: "true" });
  let next = 0;
  for await (const message of stream) {
    expect(message).toEqual(new Uint8Array([next & 255, next >> 8]));
    next++;
  }
  expect(next).toBe(10_000);
  const both = transport.duplex("/t.T/Both");
  await both.opened;
  await both.send(new Uint8Array([5]));
  await both.send(new Uint8Array([6]));
  both.end();
  const seen: number[] = [];
  for await (const message of both) seen.push(message[0] as number);
  expect(seen).toEqual([5, 6]);
  await transport.close();
  await server.close();
});
