import type { Command } from "commander";
import { addBenchVerb } from "./bench.ts";
import { addChannelManagerVerbs } from "./channel-manager.ts";
import { addConfigVerbs } from "./config.ts";
import { addControllerVerbs } from "./controller.ts";
import { addNodeVerbs } from "./node.ts";
import { createOperator } from "./operator.ts";
import { addSlimVerb } from "./slim.ts";

/** SND-08: one program for both halves; these are the trees of SLIM, with the options that they share. */
export function addSlimVerbs(
  program: Command,
  wantsJson: () => boolean,
  failed: (exitCode: number) => void,
): void {
  program
    .optionsGroup("Options of SLIM commands:")
    .option("--config <file>", "settings of these commands (env: SLIMCTL_CONFIG)")
    .option("--server <host:port>", "the server (env: SLIMCTL_COMMON_OPTS_SERVER)")
    .option("--timeout <duration>", "of a call, such as 15s (env: SLIMCTL_COMMON_OPTS_TIMEOUT)")
    .option(
      "-b, --basic-auth-creds <username:password>",
      "who is calling (env: SLIMCTL_COMMON_OPTS_BASIC_AUTH_CREDS)",
    )
    .option(
      "--tls.insecure_skip_verify",
      "take any certificate (env: SLIMCTL_COMMON_OPTS_TLS_INSECURE_SKIP_VERIFY)",
    )
    .option(
      "--tls.ca_file <path>",
      "who signed the server's (env: SLIMCTL_COMMON_OPTS_TLS_CA_FILE)",
    )
    .option("--tls.cert_file <path>", "one's own (env: SLIMCTL_COMMON_OPTS_TLS_CERT_FILE)")
    .option("--tls.key_file <path>", "its key (env: SLIMCTL_COMMON_OPTS_TLS_KEY_FILE)");
  program.commandsGroup("SLIM commands:");
  const operator = createOperator(program, wantsJson, failed);
  addControllerVerbs(operator);
  addChannelManagerVerbs(operator);
  addNodeVerbs(operator);
  addSlimVerb(operator);
  addBenchVerb(operator);
  addConfigVerbs(operator);
  program
    .command("version")
    .description("print the version")
    .action(operator.run((output) => output.result({ version: "0.1.0" }, ["Version:\t0.1.0"])));
}
