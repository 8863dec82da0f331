import type { Command } from "commander";
import { CliError } from "../errors.ts";
import type { Operator } from "./operator.ts";

/** Where a node listens when nobody says otherwise (specification 1). */
const defaultEndpoint = "127.0.0.1:46357";

interface StartOptions {
  readonly configFile?: string;
  readonly endpoint?: string;
  readonly controller?: string;
}

/** `slim start`: a node in this process, from a file or on one endpoint, until it is interrupted (specification 10.2). */
export function addStartVerb(slim: Command, { program, run }: Operator): void {
  slim
    .command("start")
    .description("run a node of SLIM until interrupted")
    // `--config`, too, which all SLIM commands share: here it is the node's.
    .option("-c, --config-file <file>", "its configuration; --config does as well")
    .option("--endpoint <host:port>", `where it listens (env: SLIMCTL_SLIM_ENDPOINT)`)
    .option("--controller <url>", "registers with it, such as http://127.0.0.1:50052")
    .action(
      run(async (output, options: StartOptions) => {
        const typed = program.getOptionValueSource("config") === "cli";
        const file =
          options.configFile ?? (typed ? program.opts<{ config?: string }>().config : undefined);
        const { controller } = options;
        if (file !== undefined && (options.endpoint ?? controller) !== undefined) {
          throw new CliError(
            "cli/bad-argument",
            "a file says everything: no other options with it",
          );
        }
        const { loadYaml, loadYamlFile, readNodeFile } = await import("@coterie/node/yaml");
        const endpoint =
          options.endpoint ?? (process.env["SLIMCTL_SLIM_ENDPOINT"] || defaultEndpoint);
        const loaded =
          file === undefined
            ? loadYaml(JSON.stringify({ listen: [endpoint], controller }))
            : loadYamlFile(file);
        const { startFromFile } = await import("@coterie/node");
        const node = await startFromFile(readNodeFile(loaded));
        output.result(
          { ready: true, slim: node.slimServers, xmtp: node.xmtp, control: node.control },
          [
            ...node.slimServers.map((url) => `SLIM node listening on ${url}`),
            ...(node.control === undefined ? [] : [`Node control on ${node.control}`]),
            ...(node.xmtp === undefined ? [] : [`XMTP interface on ${node.xmtp}`]),
          ],
        );
        await new Promise<void>((resolve) => {
          for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
        });
        await node.close();
      }),
    );
}
