/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * One intended edit, as plain data without key material.
 *
 * Kinds and their further fields belong to the packages that register a {@link ChangeKind}.
 */
export interface Change {
  /** For example `file.replace`. */
  readonly kind: string;
  /** A path, a service, an object. */
  readonly target: string;
  readonly [field: string]: Json | undefined;
}

/** Bytes that undo records refer to; in the run's directory on the host. */
export interface BackupDirectory {
  /** Stores `data` (mode 0600, fsynced) and returns its name for {@link read}. */
  keep(data: Uint8Array): Promise<string>;
  /** @throws WorkflowError `JOURNAL_CORRUPT` when the bytes are missing or damaged */
  read(name: string): Promise<Uint8Array>;
}

/** The result of one undo record. */
export type UndoOutcome =
  | { readonly state: 'undone' }
  /** The old state is in effect already: the change was never made, or was undone before. */
  | { readonly state: 'already' }
  /** Another process changed the target since; it was not restored. */
  | { readonly state: 'foreign'; readonly reason: string };

/** What an undo would find, and what it would overwrite. */
export type UndoPreview =
  | Exclude<UndoOutcome, { readonly state: 'undone' }>
  | {
      readonly state: 'ready';
      /** Name of the backup of the bytes that the undo replaces; `undefined` when it replaces none. */
      readonly kept: string | undefined;
      /** An undo record that takes the undo back; `undefined` when the kind has none. */
      readonly replaced: Json | undefined;
    };

/** Runs `wait`, which only waits: it is reported, and counted as waiting. */
export type WhileWaiting = <T>(what: string, wait: () => Promise<T>) => Promise<T>;

/** Checks, applies and undoes one kind of change. `apply` and `undo` are idempotent. */
export interface ChangeKind<C extends Change = Change> {
  readonly kind: C['kind'];
  /**
   * `reverse`: undone in order, newest first. `last`: undone after all others, because it makes a service read the
   * restored files.
   */
  readonly undoOrder: 'reverse' | 'last';
  /** One line for the operator, without key material: `replace /etc/kubernetes/pki/apiserver.crt (0644)`. */
  describe(change: C): string;
  /**
   * Checks, without writing, that the change can be made: disk space, permissions, a read-only filesystem.
   * @throws HostError with the reason
   */
  preflight(change: C): Promise<void>;
  /** Why the change is stale: its target has changed since the plan; `undefined` when it has not. */
  staleness(change: C): Promise<string | undefined>;
  /** Reads the undo record. Called, and its result fsynced, before `apply`. `after` is the SHA-256 of `material`. */
  capture(
    change: C,
    after: string | undefined,
    backup: BackupDirectory,
    material: Uint8Array | undefined,
  ): Promise<Json>;
  /**
   * @param material the bytes to write, for kinds that write bytes; never journalled by value
   * @param whileWaiting for what is no work of our own, such as the end of a process. Default: all is work
   */
  apply(change: C, material: Uint8Array | undefined, whileWaiting?: WhileWaiting): Promise<void>;
  /**
   * Looks at the target of an undo and backs up what the undo would replace; changes nothing else. Called for every change of a
   * unit before the first undo, because a unit is rolled back as a whole or not at all. Default: the undo is ready, and replaces
   * no bytes.
   */
  previewUndo?(change: C, captured: Json, backup: BackupDirectory): Promise<UndoPreview>;
  undo(change: C, captured: Json, backup: BackupDirectory): Promise<UndoOutcome>;
}

/** One change with the bytes to write, if any. */
export interface Edit {
  readonly change: Change;
  readonly material?: Uint8Array | undefined;
}
