import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorDetails } from "@coterie/base";

/** What can go wrong between a caller and a store. */
export type StorageErrorCode =
  /** The key does not open this file: it is another key, a key for a plain file, or no key for an encrypted one. Nothing was changed. */
  | "storage/wrong-key"
  /** Bytes of the file are damaged, or it is cut short. What was read before can be trusted, the store should not be used on. */
  | "storage/corrupt"
  /** The file is no store of ours: not a database, or a database of something else. */
  | "storage/not-a-store"
  /** Somebody holds the store already, in this process or another one. */
  | "storage/in-use"
  /** The store was closed. */
  | "storage/closed"
  /** No room left on the disk, or the cap set at opening is reached. The batch was not written. */
  | "storage/full"
  /** No key was given where one is required, both a key and a wish for none, or a key of another length than 32 bytes. */
  | "storage/bad-key"
  /** The path is empty, its folder is missing, it is no file, or it may not be read and written. */
  | "storage/bad-path"
  /** The file was written by a later version of this package, which keeps things that this one does not know. */
  | "storage/newer-version"
  /** An argument of the wrong shape: not bytes, a limit that is no count, a key part that cannot be encoded. */
  | "storage/bad-argument"
  /** Bytes that are not an encoding of key parts. */
  | "storage/bad-encoding"
  /** A value beyond what the database can hold in one row. */
  | "storage/too-large"
  /** The operating system failed to read or write. */
  | "storage/io"
  /** The database engine is missing on this machine. */
  | "storage/unavailable"
  /** A store broke the contract that the conformance suite checks. */
  | "storage/conformance";

const dispositions: Readonly<Record<StorageErrorCode, Disposition>> = {
  "storage/wrong-key": "fix-caller",
  "storage/corrupt": "halt",
  "storage/not-a-store": "reject",
  "storage/in-use": "retry",
  "storage/closed": "fix-caller",
  "storage/full": "retry",
  "storage/bad-key": "fix-caller",
  "storage/bad-path": "fix-caller",
  "storage/newer-version": "reject",
  "storage/bad-argument": "fix-caller",
  "storage/bad-encoding": "reject",
  "storage/too-large": "fix-caller",
  "storage/io": "retry",
  "storage/unavailable": "fix-caller",
  "storage/conformance": "halt",
};

/** A failure of a store. Details name paths, limits and engine codes, never keys or contents. */
export class StorageError extends CoterieError {
  declare readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, { disposition: dispositions[code], details, cause });
  }
}
