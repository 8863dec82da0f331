/** Version of the tables below, kept in `PRAGMA user_version`. A higher one was written by a newer node. */
export const schemaVersion = 1;

/** AUTOINCREMENT: an id once given is never given again, whatever was deleted. */
export const schema = `
CREATE TABLE group_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id BLOB NOT NULL,
  created_ns INTEGER NOT NULL,
  data BLOB NOT NULL,
  sender_hmac BLOB NOT NULL,
  should_push INTEGER NOT NULL,
  is_commit INTEGER NOT NULL,
  hash BLOB NOT NULL UNIQUE
) STRICT;
CREATE INDEX group_messages_topic ON group_messages (group_id, id);

CREATE TABLE welcomes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  installation_key BLOB NOT NULL,
  created_ns INTEGER NOT NULL,
  is_pointer INTEGER NOT NULL,
  data BLOB NOT NULL,
  hpke_public_key BLOB NOT NULL,
  wrapper_algorithm INTEGER NOT NULL,
  welcome_metadata BLOB NOT NULL,
  hash BLOB NOT NULL UNIQUE
) STRICT;
CREATE INDEX welcomes_topic ON welcomes (installation_key, id);

CREATE TABLE key_packages (
  installation_key BLOB NOT NULL PRIMARY KEY,
  key_package BLOB NOT NULL,
  updated_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE identity_updates (
  sequence_id INTEGER PRIMARY KEY AUTOINCREMENT,
  inbox_id TEXT NOT NULL,
  server_timestamp_ns INTEGER NOT NULL,
  identity_update BLOB NOT NULL
) STRICT;
CREATE INDEX identity_updates_inbox ON identity_updates (inbox_id, sequence_id);

CREATE TABLE associations (
  kind INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  association_sequence_id INTEGER NOT NULL,
  inbox_id TEXT NOT NULL,
  revocation_sequence_id INTEGER,
  PRIMARY KEY (kind, identifier, association_sequence_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE commit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id BLOB NOT NULL,
  created_ns INTEGER NOT NULL,
  entry BLOB NOT NULL,
  signature BLOB NOT NULL,
  public_key BLOB NOT NULL
) STRICT;
CREATE INDEX commit_log_topic ON commit_log (group_id, id);
`;
