import type { Database, Statement } from "./engine.ts";

/** One topic's entries beyond a cursor, from either end: bound to topic, cursor, limit. */
export interface PagedStatements {
  readonly ascending: Statement;
  readonly descending: Statement;
}

export interface Statements {
  readonly insertMessage: Statement;
  readonly lastMessageTime: Statement;
  readonly messages: PagedStatements;
  readonly newestMessage: Statement;
  readonly newestMessageHead: Statement;
  readonly insertWelcome: Statement;
  readonly lastWelcomeTime: Statement;
  readonly welcomes: PagedStatements;
  readonly putKeyPackage: Statement;
  readonly keyPackage: Statement;
  readonly lastIdentity: Statement;
  readonly insertIdentity: Statement;
  readonly identities: Statement;
  readonly associate: Statement;
  readonly revoke: Statement;
  readonly inboxId: Statement;
  readonly insertCommitLog: Statement;
  readonly commitLog: PagedStatements;
  readonly messageAges: Statement;
  readonly deleteMessage: Statement;
  readonly welcomeAges: Statement;
  readonly deleteWelcome: Statement;
  readonly deleteKeyPackages: Statement;
}

/** Every statement of the log, prepared once. */
export function prepareStatements(db: Database): Statements {
  const paged = (columns: string, table: string, topic: string) => ({
    ascending: db.prepare(
      `SELECT ${columns} FROM ${table} WHERE ${topic} = ? AND id > ? ORDER BY id LIMIT ?`,
    ),
    descending: db.prepare(
      `SELECT ${columns} FROM ${table} WHERE ${topic} = ? AND id < ? ORDER BY id DESC LIMIT ?`,
    ),
  });
  const newest = (columns: string) =>
    db.prepare(`SELECT ${columns} FROM group_messages WHERE group_id = ? ORDER BY id DESC LIMIT 1`);
  const lastTime = (table: string, topic: string) =>
    db.prepare(`SELECT created_ns AS t FROM ${table} WHERE ${topic} = ? ORDER BY id DESC LIMIT 1`);
  return {
    insertMessage: db.prepare(
      `INSERT INTO group_messages (group_id, created_ns, data, sender_hmac, should_push, is_commit, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
    ),
    lastMessageTime: lastTime("group_messages", "group_id"),
    messages: paged(
      "id, group_id, created_ns, data, sender_hmac, should_push, is_commit",
      "group_messages",
      "group_id",
    ),
    newestMessage: newest("id, group_id, created_ns, data, sender_hmac, should_push, is_commit"),
    newestMessageHead: newest(
      "id, group_id, created_ns, x'' AS data, x'' AS sender_hmac, 0 AS should_push, is_commit",
    ),
    insertWelcome: db.prepare(
      `INSERT INTO welcomes (installation_key, created_ns, is_pointer, data, hpke_public_key, wrapper_algorithm, welcome_metadata, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
    ),
    lastWelcomeTime: lastTime("welcomes", "installation_key"),
    welcomes: paged(
      "id, installation_key, created_ns, is_pointer, data, hpke_public_key, wrapper_algorithm, welcome_metadata",
      "welcomes",
      "installation_key",
    ),
    putKeyPackage: db.prepare(
      `INSERT INTO key_packages (installation_key, key_package, updated_ns) VALUES (?, ?, ?)
       ON CONFLICT (installation_key) DO UPDATE SET key_package = excluded.key_package, updated_ns = excluded.updated_ns`,
    ),
    keyPackage: db.prepare("SELECT key_package AS k FROM key_packages WHERE installation_key = ?"),
    lastIdentity: db.prepare(
      `SELECT sequence_id, server_timestamp_ns AS t FROM identity_updates
       WHERE inbox_id = ? ORDER BY sequence_id DESC LIMIT 1`,
    ),
    insertIdentity: db.prepare(
      `INSERT INTO identity_updates (inbox_id, server_timestamp_ns, identity_update) VALUES (?, ?, ?)`,
    ),
    identities: db.prepare(
      `SELECT sequence_id, server_timestamp_ns, identity_update FROM identity_updates
       WHERE inbox_id = ? AND sequence_id > ? ORDER BY sequence_id`,
    ),
    associate: db.prepare(
      `INSERT INTO associations (kind, identifier, association_sequence_id, inbox_id) VALUES (?, ?, ?, ?)`,
    ),
    revoke: db.prepare(
      `UPDATE associations SET revocation_sequence_id = ?
       WHERE kind = ? AND identifier = ? AND inbox_id = ? AND revocation_sequence_id IS NULL`,
    ),
    inboxId: db.prepare(
      `SELECT inbox_id AS i FROM associations
       WHERE kind = ? AND identifier = ? AND revocation_sequence_id IS NULL
       ORDER BY association_sequence_id DESC LIMIT 1`,
    ),
    insertCommitLog: db.prepare(
      `INSERT INTO commit_log (group_id, created_ns, entry, signature, public_key) VALUES (?, ?, ?, ?, ?)`,
    ),
    commitLog: paged("id, group_id, entry, signature, public_key", "commit_log", "group_id"),
    messageAges: db.prepare(
      "SELECT id, created_ns, is_commit FROM group_messages WHERE id > ? ORDER BY id LIMIT ?",
    ),
    deleteMessage: db.prepare("DELETE FROM group_messages WHERE id = ?"),
    welcomeAges: db.prepare(
      "SELECT id, created_ns, 0 AS is_commit FROM welcomes WHERE id > ? ORDER BY id LIMIT ?",
    ),
    deleteWelcome: db.prepare("DELETE FROM welcomes WHERE id = ?"),
    deleteKeyPackages: db.prepare("DELETE FROM key_packages WHERE updated_ns < ?"),
  };
}
