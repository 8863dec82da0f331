import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createDataPlane } from "@coterie/dataplane";
import { Name, newInsecureClientConfig, Service } from "@coterie/session/node";
import type { App, Platform } from "@coterie/session/node";
import { createMemoryTransport } from "@coterie/transport";
import type { MemoryTransport } from "@coterie/transport";

export const secret = "0123456789abcdef0123456789abcdef";
export const text = (words: string): Uint8Array => new TextEncoder().encode(words);
export const words = ({ payload }: { readonly payload: Uint8Array }): string =>
  new TextDecoder().decode(payload);

/** A data plane in memory, and apps that connect to it. */
export function createNode() {
  const dataPlane = createDataPlane({
    crypto,
    nodeId: "node",
    version: "2.2.0",
    metrics: { add() {}, gauge() {} },
  });
  const services: Service[] = [];
  const transports: MemoryTransport[] = [];
  const dial = (): MemoryTransport => {
    const transport = createMemoryTransport(dataPlane.routes);
    transports.push(transport);
    return transport;
  };
  const service = (name: string, platform: Partial<Platform> = {}): Service => {
    const made = new Service(name, { dial, ...platform });
    services.push(made);
    return made;
  };
  return {
    dial,
    service,
    transports,
    /** An app with a connection of its own. */
    async app(
      name: string,
      platform: Partial<Platform> = {},
    ): Promise<{ app: App; connId: bigint; service: Service; name: Name }> {
      const own = service(name, platform);
      const connId = await own.connect(newInsecureClientConfig("http://node"));
      const appName = new Name("agntcy", "ns", name);
      return { app: own.createAppWithSecret(appName, secret), connId, service: own, name: appName };
    },
    async close(): Promise<void> {
      await Promise.all(services.map((one) => one.shutdown()));
      dataPlane.close();
    },
  };
}
