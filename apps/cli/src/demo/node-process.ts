import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface NodeProcess {
  readonly url: string;
  readonly pid: number | undefined;
  readonly startedInMs: number;
  stop(): Promise<void>;
}

const program = fileURLToPath(import.meta.resolve("@coterie/node/main"));

/** Starts the reference node as a process of its own on a free port of the loopback address. */
export async function startNodeProcess(dataFolder: string): Promise<NodeProcess> {
  const started = performance.now();
  const child = spawn(process.execPath, [program, "--data", dataFolder, "--xmtp", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await readyUrl(child);
  return {
    url,
    pid: child.pid,
    startedInMs: performance.now() - started,
    async stop() {
      if (child.exitCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(timer);
    },
  };
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = "";
    let log = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const line = out.split("\n").find((candidate) => candidate.startsWith("{"));
      if (line !== undefined && out.includes("\n"))
        resolve((JSON.parse(line) as { xmtp: string }).xmtp);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-4_000);
    });
    child.once("exit", (code) =>
      reject(new Error(`the node ended (exit ${code}) before it was ready:\n${log}`)),
    );
  });
}
