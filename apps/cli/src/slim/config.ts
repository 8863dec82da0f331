import type { Command } from "commander";
import { CliError } from "../errors.ts";
import type { Output } from "../output.ts";
import { parseDuration } from "./duration.ts";
import type { Operator } from "./operator.ts";
import { changeSettings, settingsPath, showSettings } from "./settings.ts";

type Changes = readonly (readonly [readonly string[], unknown])[];

/** `config list` and `config set …`: what the SLIM commands use when nothing is typed (specification 10.2). */
export function addConfigVerbs({ program, run, flags }: Operator): void {
  const config = program.command("config").description("settings of these commands");
  config
    .command("list")
    .alias("ls")
    .description("show the settings")
    .action(
      run((output) => {
        const given = flags().config;
        const text = showSettings(given) ?? "";
        output.result({ file: settingsPath(given), text }, text === "" ? [] : [text.trimEnd()]);
      }),
    );

  const set = config.command("set").description("change one setting");
  const setting = (name: string, args: string, words: string): Command =>
    set.command(name).arguments(args).description(words);
  const change = (changesOf: (...values: string[]) => Changes) =>
    run((output: Output, ...values: string[]) => {
      const file = changeSettings(flags().config, changesOf(...values));
      output.result({ file }, []);
    });

  setting("server", "<host:port>", "where calls go").action(
    change((server = "") => [[["endpoint"], server]]),
  );
  setting("timeout", "<duration>", "how long a call may take, such as 15s").action(
    change((timeout = "") => {
      parseDuration(timeout);
      return [
        [["connect_timeout"], timeout],
        [["request_timeout"], timeout],
      ];
    }),
  );
  setting("basic-auth-creds", "<username:password>", "who is calling").action(
    change((credentials = "") => {
      const colon = credentials.indexOf(":");
      if (colon < 0) {
        throw new CliError("cli/bad-argument", "basic-auth-creds must be 'username:password'");
      }
      const username = credentials.slice(0, colon);
      const password = credentials.slice(colon + 1);
      return [[["auth"], { type: "basic", username, password }]];
    }),
  );
  setting("tls-ca-file", "<path>", "certificate of who signed the server's").action(
    change((path = "") => [
      [["tls", "insecure"], false],
      [["tls", "ca_source"], { type: "file", path }],
    ]),
  );
  setting(
    "tls-cert",
    "<cert-file> <key-file>",
    "certificate of who is calling, and its key",
  ).action(
    change((cert = "", key = "") => [
      [["tls", "insecure"], false],
      [["tls", "source"], { type: "file", cert, key }],
    ]),
  );
  setting("tls-insecure-skip-verify", "<true|false>", "take any certificate").action(
    change((value = "") => {
      if (value !== "true" && value !== "false") {
        throw new CliError(
          "cli/bad-argument",
          `invalid value '${value}' for tls-insecure-skip-verify, expected true or false`,
        );
      }
      return [[["tls", "insecure_skip_verify"], value === "true"]];
    }),
  );
}
