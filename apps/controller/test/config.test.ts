import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseCommand } from "../src/config.ts";

test("a command line is read whole, or refused in one line", () => {
  const folder = mkdtempSync(join(tmpdir(), "coterie-controller-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const secret = join(folder, "secret");
  writeFileSync(secret, "0123456789abcdef0123456789abcdef\n");
  const command = parseCommand(
    `--data ${folder} --southbound 0.0.0.0:1 --node http://n:2 --secret-file ${secret} --passphrase-file ${secret} --channel-manager 3 --open`.split(
      " ",
    ),
  );
  expect(command).toMatchObject({
    kind: "run",
    options: {
      southbound: { host: "0.0.0.0", port: 1 },
      northbound: { host: "127.0.0.1", port: 50051 },
      channelManager: { port: 3 },
      admission: { open: true },
      app: {
        node: { endpoint: "http://n:2" },
        credentials: { secret: "0123456789abcdef0123456789abcdef" },
        persistence: { path: join(folder, "sessions") },
      },
    },
  });
  expect(parseCommand([])).toMatchObject({ options: { admission: { open: false } } });
  expect(parseCommand(["--help"])).toEqual({ kind: "help" });
  writeFileSync(secret, "short");
  const wrong = [
    "--southbound nowhere",
    "--node n:2",
    "--node http://n:2",
    `--node http://n:2 --secret-file ${secret}`,
    "--node http://n:2 --secret-file /nowhere/at/all",
    "--channel-manager 3",
    `--domain-secret ${secret}`,
    `--domain-secret d=${secret}`,
    "--tls-cert x",
    `--operators-file ${secret}`,
    "--unknown",
  ];
  for (const args of wrong) {
    expect(() => parseCommand(args.split(" "))).toThrow(
      expect.objectContaining({ code: "controller/bad-arguments" }),
    );
  }
});
