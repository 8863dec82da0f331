// An app with a memory, as a process to be killed: node keeper.ts URL FOLDER. Says what it does in lines of JSON.
import {
  Direction,
  IdentityProviderConfig,
  IdentityVerifierConfig,
  Name,
  newInsecureClientConfig,
  Service,
} from "@coterie/session/node";
import type { Session } from "@coterie/session/node";

const [url = "", path = ""] = process.argv.slice(2);
const say = (what: Record<string, unknown>): void => console.log(JSON.stringify(what));
const secret = { id: "agntcy/ns/keeper", data: "0123456789abcdef0123456789abcdef" };
const service = new Service("keeper");
const connection = await service.connect(newInsecureClientConfig(url));
const app = await service.createAppWithPersistence(
  new Name("agntcy", "ns", "keeper"),
  new IdentityProviderConfig.SharedSecret(secret),
  new IdentityVerifierConfig.SharedSecret(secret),
  Direction.Bidirectional,
  { path, passphrase: "correct horse battery staple" },
);

async function read(session: Session): Promise<void> {
  for await (const { payload } of session.messages()) {
    say({ heard: new TextDecoder().decode(payload) });
  }
  say({ closed: session.closed() });
}

const restored = await app.restoreSessions(connection);
say({ ready: app.id(), restored: restored.map((session) => session.sessionId()) });
for (const session of restored) {
  void read(session);
  await session.rejoinAndWait();
  say({ rejoined: session.sessionId() });
}
for (;;) {
  const session = await app.listenForSession();
  say({ joined: session.sessionId() });
  void read(session);
}
