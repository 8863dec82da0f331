// The web-standard globals that this package uses, which Node, browsers and edge runtimes all have.
// Declared here so that neither DOM nor Node types leak into a package that needs neither.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label: string, options: { fatal: boolean; ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}
declare const crypto: { getRandomValues<T extends Uint8Array>(array: T): T };
