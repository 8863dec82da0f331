import type { Random } from "@coterie/base";

const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const length = 18;
/** The last byte that does not favour the first characters. */
const fair = 256 - (256 % characters.length);

/** 18 characters, each as likely as any other (SCT-29). */
export function randomChannelId(random: Random): string {
  let id = "";
  while (id.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < fair && id.length < length) id += characters[byte % characters.length];
    }
  }
  return id;
}
