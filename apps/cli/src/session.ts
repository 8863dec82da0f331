import { Client, privateKeySigner } from "@coterie/client/node";
import type { Home } from "./home.ts";

/** Opens the client of a folder, does the work and closes it again, whatever happens. */
export async function withClient<T>(home: Home, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await Client.create(privateKeySigner(home.wallet), {
    apiUrl: home.url,
    dbPath: home.database,
    dbEncryptionKey: home.key,
    appVersion: "coterie-cli/0.1.0",
    // A command is over before they would have anything to do; watching keeps its own stream.
    workers: false,
  });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
