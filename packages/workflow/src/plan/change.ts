/** A value that survives JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * One intended edit, as plain data without key material.
 *
 * The kinds and their further fields are owned by the packages that register a {@link ChangeKind}.
 */
export interface Change {
  /** For example `file.replace`. */
  readonly kind: string;
  /** What is changed: a path, a service, an object. */
  readonly target: string;
  readonly [field: string]: Json | undefined;
}

/** Where a change kind keeps the bytes it needs to undo; lies in the run's folder on the host. */
export interface BackupDirectory {
  /** Keeps `data` (mode 0600, fsynced) and returns the name to read it back by. */
  keep(data: Uint8Array): Promise<string>;
  /** @throws WorkflowError `JOURNAL_CORRUPT` when the bytes are missing or not those that were kept */
  read(name: string): Promise<Uint8Array>;
}

/** What became of one undo record. */
export type UndoOutcome =
  | { readonly state: 'undone' }
  /** The old state was there already: the change had never been made, or was undone before. */
  | { readonly state: 'already' }
  /** Somebody else changed the target since; it was left alone. */
  | { readonly state: 'foreign'; readonly reason: string };

/** How one kind of change is judged, made and unmade. `apply` and `undo` are idempotent. */
export interface ChangeKind<C extends Change = Change> {
  readonly kind: C['kind'];
  /**
   * `reverse`: undone in its place, newest first. `last`: undone after all others, because it makes something read what
   * the others put back.
   */
  readonly undoOrder: 'reverse' | 'last';
  /** One line for a person, without key material: `replace /etc/kubernetes/pki/apiserver.crt (0644)`. */
  describe(change: C): string;
  /**
   * Makes sure, without writing, that the change could be made: space, permission, a read-only filesystem.
   * @throws HostError with the reason
   */
  preflight(change: C): Promise<void>;
  /** Why the state before the change is no longer the one it was planned on; `undefined` when it is. */
  staleness(change: C): Promise<string | undefined>;
  /** Reads what an undo needs. Called, and its answer fsynced, before `apply`. `after` is the SHA-256 of `material`. */
  capture(
    change: C,
    after: string | undefined,
    backup: BackupDirectory,
    material: Uint8Array | undefined,
  ): Promise<Json>;
  /** @param material the bytes to write, for kinds that write bytes; never journalled by value */
  apply(change: C, material: Uint8Array | undefined): Promise<void>;
  undo(change: C, captured: Json, backup: BackupDirectory): Promise<UndoOutcome>;
}

/** One change with the bytes that it writes, where it writes any. */
export interface Edit {
  readonly change: Change;
  readonly material?: Uint8Array | undefined;
}
