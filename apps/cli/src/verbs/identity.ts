import type { Verbs } from "../verbs.ts";
import { createHome, readHome } from "../home.ts";
import type { Home } from "../home.ts";
import { withClient } from "../session.ts";

/** What `init` and `whoami` tell. */
async function describe(home: Home): Promise<Record<string, unknown>> {
  return withClient(home, async (client) => ({
    inboxId: client.inboxId,
    installationId: client.installationId,
    identifier: client.accountIdentifier.identifier,
    isRegistered: client.isRegistered,
    url: home.url,
    home: home.folder,
  }));
}

export function addIdentityVerbs({ program, run }: Verbs): void {
  const lines = (json: Record<string, unknown>): string[] =>
    Object.entries(json).map(([name, value]) => `${name.padEnd(15)} ${String(value)}`);

  program
    .command("init")
    .description(
      "make an identity: a wallet, an installation and an encrypted database in the home folder",
    )
    .action(
      run(async ({ folder, url, output }) => {
        const json = await describe(createHome(folder, url));
        output.result(json, lines(json));
      }),
    );

  program
    .command("whoami")
    .description("show who you are: inbox, installation, address")
    .action(
      run(async ({ folder, url, output }) => {
        const json = await describe(readHome(folder, url));
        output.result(json, lines(json));
      }),
    );
}
