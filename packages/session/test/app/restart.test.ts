import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  Direction,
  IdentityProviderConfig,
  IdentityVerifierConfig,
  Name,
  newInsecureClientConfig,
  newInsecureServerConfig,
  Service,
  SessionType,
} from "@coterie/session/node";
import { afterEach, expect, test } from "vitest";
import { secret, text } from "./node.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "slim-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A process that says what it does. */
function keeper(url: string, folder: string) {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      "--experimental-strip-types",
      "--conditions=@coterie/source",
      "--disable-warning=ExperimentalWarning",
      fileURLToPath(new URL("keeper.ts", import.meta.url)),
      url,
      folder,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const said: Record<string, unknown>[] = [];
  const waiting: (() => void)[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    said.push(JSON.parse(line) as Record<string, unknown>);
    for (const wake of waiting.splice(0)) wake();
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  undo.push(kill);
  return {
    kill,
    async says(key: string): Promise<unknown> {
      for (;;) {
        const at = said.findIndex((one) => key in one);
        if (at >= 0) return said.splice(at, 1)[0]?.[key];
        await Promise.race([new Promise<void>((resolve) => waiting.push(resolve)), gone]);
        if (child.exitCode !== null && !said.some((one) => key in one)) throw new Error("gone");
      }
    },
  };
}

test.each([true, false])(
  "SHB-17: an app that was killed is the same app, in its group again, and hears what it missed (MLS %s)",
  async (enableMls) => {
    const folder = folderOf();
    const host = new Service("host");
    undo.push(() => host.shutdown());
    await host.runServer(newInsecureServerConfig("127.0.0.1:0"));
    const url = host.serverUrl("127.0.0.1:0") as string;
    const service = new Service("moderator");
    undo.push(() => service.shutdown());
    await service.connect(newInsecureClientConfig(url));
    const app = service.createAppWithSecret(new Name("agntcy", "ns", "moderator"), secret);
    const group = {
      sessionType: SessionType.Group,
      enableMls,
      maxRetries: 3,
      interval: 300,
    };
    const session = await app.createSessionAndWait(group, new Name("agntcy", "ns", "chat"));

    const first = keeper(url, folder);
    const id = await first.says("ready");
    await session.inviteAndWait(new Name("agntcy", "ns", "keeper"));
    expect(await first.says("joined")).toBe(session.sessionId());
    await session.publishAndWait(text("before"));
    expect(await first.says("heard")).toBe("before");
    await first.kill();

    const { missing } = await session.publishAndWait(text("while away"));
    expect(missing.map(String)).toEqual(["agntcy/ns/keeper"]);

    const second = keeper(url, folder);
    expect(await second.says("ready")).toBe(id);
    expect(await second.says("rejoined")).toBe(session.sessionId());
    const { acked } = await session.publishAndWait(text("after"));
    expect(acked.map(String)).toEqual(["agntcy/ns/keeper"]);
    expect(await second.says("heard")).toBe("while away");
    expect(await second.says("heard")).toBe("after");
    await session.closeAndWait();
    expect(await second.says("closed")).toBe("closed-by-moderator");
  },
);

test("SHB-17: what is stored is encrypted, and opens with its passphrase alone", async () => {
  const folder = folderOf();
  const own = { id: "agntcy/ns/keeper", data: secret };
  const open = async (passphrase?: string) => {
    const service = new Service("keeper");
    undo.push(() => service.shutdown());
    return service.createAppWithPersistence(
      new Name("agntcy", "ns", "keeper"),
      new IdentityProviderConfig.SharedSecret(own),
      new IdentityVerifierConfig.SharedSecret(own),
      Direction.Bidirectional,
      { path: folder, ...(passphrase === undefined ? {} : { passphrase }) },
    );
  };
  const app = await open("right");
  const id = app.id();
  await app.close();
  expect(readdirSync(folder).map((file) => file.split(".").at(-1))).toEqual([
    "db",
    "db-lock",
    "key",
  ]);
  await expect(open("wrong")).rejects.toMatchObject({
    code: "session/storage-failed",
    details: { reason: "storage/wrong-key" },
  });
  await expect(open()).rejects.toMatchObject({ code: "session/bad-argument" });
  expect((await open("right")).id()).toBe(id);
});
