// One side of a way to connect: node slim-endpoints.mjs KIND node|pair SETTINGS. `node` serves until its stdin ends; `pair` connects two apps that
// talk point to point, and says what came.
import { bindings } from "./slim-kinds.mjs";

const [kind, role, json] = process.argv.slice(2);
const { endpoint, tls, user, password, ca, cert, key } = JSON.parse(json);
const slim = await bindings(kind);
const secret = "0123456789abcdef0123456789abcdef";
const say = (line) => console.log(JSON.stringify(line));

const source = () => new slim.TlsSource.Pem({ cert, key });
const authority = () =>
  ca === undefined ? new slim.CaSource.None() : new slim.CaSource.Pem({ data: ca });
const login = (Config) => new Config.Basic({ config: { username: user, password } });

if (role === "node") {
  const plain = slim.newInsecureServerConfig(endpoint);
  const service = new slim.Service("endpoints-node");
  await service.runServerAsync({
    ...plain,
    tls: tls
      ? { ...plain.tls, insecure: false, source: source(), clientCa: authority() }
      : plain.tls,
    auth: user === undefined ? plain.auth : login(slim.ServerAuthenticationConfig),
  });
  say({ ready: true });
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
} else {
  const plain = slim.newInsecureClientConfig(endpoint);
  const config = {
    ...plain,
    tls: tls
      ? {
          ...plain.tls,
          insecure: false,
          caSource: authority(),
          source: cert === undefined ? new slim.TlsSource.None() : source(),
        }
      : plain.tls,
    auth: user === undefined ? plain.auth : login(slim.ClientAuthenticationConfig),
  };
  const connect = async (name) => {
    const service = new slim.Service(`endpoints-${name}`);
    const connection = await service.connectAsync(config);
    const own = new slim.Name("agntcy", "ns", name);
    const app = service.createAppWithSecret(own, secret);
    await app.subscribeAsync(own, connection);
    return { service, connection, app, own };
  };
  try {
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    await alice.app.setRouteAsync(bob.own, alice.connection);
    const heard = (async () => {
      const session = await bob.app.listenForSessionAsync(15_000);
      const { payload } = await session.getMessageAsync(15_000);
      return new TextDecoder().decode(payload);
    })();
    const session = await alice.app.createSessionAndWaitAsync(
      {
        sessionType: slim.SessionType.PointToPoint,
        maxRetries: 5,
        interval: 1000,
        metadata: new Map(),
      },
      bob.own,
    );
    await session.publishAndWaitAsync(
      new TextEncoder().encode("hello").buffer,
      undefined,
      undefined,
    );
    say({ seen: await heard });
  } catch (error) {
    say({ error: error?.message ?? String(error) });
  }
  process.exit(0);
}
