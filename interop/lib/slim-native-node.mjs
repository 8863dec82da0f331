// The released native node: node slim-native-node.mjs CORE PORT. Says that it is ready; ends with its stdin.
import { bindings } from "./slim-kinds.mjs";

const [kind, port] = process.argv.slice(2);
const slim = await bindings(kind);
const service = new slim.Service("native-node");
await service.runServerAsync(slim.newInsecureServerConfig(`127.0.0.1:${port}`));
console.log(JSON.stringify({ ready: true }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
