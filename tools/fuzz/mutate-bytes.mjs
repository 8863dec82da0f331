const interesting = [0, 1, 2, 3, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];
/** As they stand in a message: varints of all sizes and not in their shortest form, and the edges of u16, u32 and u64. */
const words = [
  [0x40, 0x40],
  [0x40, 0x3f],
  [0x7f, 0xff],
  [0x80, 0x00, 0x40, 0x00],
  [0xbf, 0xff, 0xff, 0xff],
  [0xc0, 0, 0, 0, 0, 0, 0, 1],
  [0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [0, 0, 0, 0],
  [0x80, 0, 0, 0, 0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  // varints of protobuf that go on
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
];
const most = 16_384;

function spliced(bytes, from, to, between) {
  const out = new Uint8Array(from + between.length + bytes.length - to);
  out.set(bytes.subarray(0, from));
  out.set(between, from);
  out.set(bytes.subarray(to), from + between.length);
  return out;
}

function once(bytes, random, donor) {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random(random(4) === 0 ? 64 : 4));
  switch (random(9)) {
    case 0:
    case 1: {
      const out = bytes.slice();
      if (at < out.length) out[at] ^= 1 << random(8);
      return out;
    }
    case 2: {
      const out = bytes.slice();
      if (at < out.length) out[at] = interesting[random(interesting.length)];
      return out;
    }
    case 3: {
      const word = words[random(words.length)];
      return spliced(bytes, at, Math.min(bytes.length, at + word.length), word);
    }
    case 4:
      return spliced(bytes, at, at, words[random(words.length)]);
    case 5:
      return spliced(bytes, at, end, []);
    case 6:
      return spliced(bytes, at, at, bytes.slice(at, end));
    case 7:
      return bytes.slice(0, at);
    default: {
      const from = random(donor.length + 1);
      const piece = donor.subarray(from, from + 1 + random(96));
      return spliced(bytes, at, random(2) === 0 ? end : at, piece);
    }
  }
}

/** A few random changes that know nothing of what the bytes are; `donor` lends pieces. */
export function mutateBytes(bytes, random, donor) {
  let out = bytes;
  for (let i = 1 + random(random(3) === 0 ? 6 : 2); i > 0; i--) out = once(out, random, donor);
  return out.length > most ? out.subarray(0, most) : out;
}
