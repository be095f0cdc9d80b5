/** Makes what a run keeps on the disk unreadable for whoever has not the identity. */
export interface BackupSeal {
  /** Absent when only older backups are to be read. */
  readonly seal?: ((data: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** Absent without the identity. @throws whatever says that it is the wrong one */
  readonly unseal?: ((sealed: Uint8Array) => Promise<Uint8Array>) | undefined;
}
