import { toHex } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { decodeWith } from "../src/codec.ts";
import { readAuthenticatedContent } from "../src/framing-types.ts";
import {
  confirmationTag,
  confirmedTranscriptHash,
  interimTranscriptHash,
  tagFits,
} from "../src/transcript.ts";
import { casesOf, hex, noVectors, report, suiteOf } from "./vectors.ts";

const crypto = opensslProvider;

interface TranscriptCase {
  readonly cipher_suite: number;
  readonly confirmation_key: string;
  readonly authenticated_content: string;
  readonly interim_transcript_hash_before: string;
  readonly confirmed_transcript_hash_after: string;
  readonly interim_transcript_hash_after: string;
}

test.skipIf(noVectors)(
  "RFC 9420 §8.2: transcript hashes and confirmation tag of a commit",
  { timeout: 300_000 },
  () => {
    const cases = casesOf<TranscriptCase>("transcript-hashes");
    for (const given of cases) {
      const suite = suiteOf(given.cipher_suite);
      const commit = decodeWith(readAuthenticatedContent, hex(given.authenticated_content));
      expect(commit.content.content.kind).toBe("commit");
      const before = hex(given.interim_transcript_hash_before);
      const confirmed = confirmedTranscriptHash(crypto, suite, before, {
        ...commit,
        signature: commit.auth.signature,
      });
      expect(toHex(confirmed)).toBe(given.confirmed_transcript_hash_after);
      const tag = confirmationTag(crypto, suite, hex(given.confirmation_key), confirmed);
      expect(tagFits(tag, commit.auth.confirmationTag)).toBe(true);
      const interim = interimTranscriptHash(crypto, suite, confirmed, tag);
      expect(toHex(interim)).toBe(given.interim_transcript_hash_after);
    }
    report("transcript-hashes", cases.length);
  },
);

test("RFC 9420 §6.1: an empty, cut or longer tag never fits", () => {
  const tag = Uint8Array.of(1, 2, 3, 4);
  expect(tagFits(tag, tag.slice())).toBe(true);
  expect(tagFits(tag, undefined)).toBe(false);
  expect(tagFits(tag, new Uint8Array(0))).toBe(false);
  expect(tagFits(tag, tag.subarray(0, 3))).toBe(false);
  expect(tagFits(tag, Uint8Array.of(1, 2, 3, 4, 0))).toBe(false);
});
