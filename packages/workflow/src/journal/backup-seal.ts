/** Encryption of a run's backup. */
export interface BackupSeal {
  /** Public recipients of `seal`, recorded in the journal. Default: none. */
  readonly recipients?: readonly string[] | undefined;
  /** Absent when backups are only read. */
  readonly seal?: ((data: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** Encrypts to the own identity: for bytes that a rollback adds to an encrypted backup. Absent without the identity. */
  readonly sealMore?: ((data: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** Absent without the identity. @throws when the identity is the wrong one */
  readonly unseal?: ((sealed: Uint8Array) => Promise<Uint8Array>) | undefined;
}
