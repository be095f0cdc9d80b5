import { type Host, type HostPath, joinPath } from '@kube-rescue/host';
import type { BackupSeal } from './backup-seal.ts';
import type { BackupDirectory } from '../plan/change.ts';
import { sha256 } from '../plan/digest.ts';
import { WorkflowError } from '../errors.ts';

const PRIVATE_FILE_MODE = 0o600;
const SEALED = '.sealed';
const NAME = /^[0-9a-f]{64}$/;

/** A backup directory whose readability can be checked before a rollback begins. */
export interface OpenableBackup extends BackupDirectory {
  /** @throws WorkflowError `BACKUP_SEALED` when it contains encrypted bytes that this process cannot decrypt */
  assertOpens(): Promise<void>;
  /** The file with the bytes of this name; `undefined` when there is none. */
  locate(name: string): Promise<HostPath | undefined>;
}

/**
 * Stores bytes by their SHA-256, encrypted where `seal` is given.
 *
 * Bytes stored by this process are also kept in memory, so a rollback in the same process needs no identity.
 */
export function createBackupDirectory(
  host: Host,
  directory: HostPath,
  { seal: sealNew, sealMore, unseal }: BackupSeal,
): OpenableBackup {
  const remembered = new Map<string, Uint8Array>();
  const kept = new Map<string, Promise<void>>();
  const plainFile = (name: string): HostPath => joinPath(directory, name);
  const sealedFile = (name: string): HostPath => joinPath(directory, `${name}${SEALED}`);

  const isSealedDirectory = async (): Promise<boolean> =>
    ((await host.list(directory)) ?? []).some((name) => name.endsWith(SEALED));

  const readKept = async (name: string): Promise<Uint8Array | undefined> => {
    const known = remembered.get(name) ?? (await host.readFile(plainFile(name)));
    if (known !== undefined) return known;
    const sealed = await host.readFile(sealedFile(name));
    if (sealed === undefined) return undefined;
    if (unseal === undefined) throw isSealed(sealedFile(name));
    return unseal(sealed).catch((cause: unknown) => {
      throw isSealed(sealedFile(name), cause);
    });
  };
  const writeKept = async (name: string, data: Uint8Array): Promise<void> => {
    const seal = sealNew ?? ((await isSealedDirectory()) ? sealMore : undefined);
    if (seal === undefined && (await isSealedDirectory())) throw isSealed(directory);
    if (seal === undefined) return host.writeFile(plainFile(name), data, { mode: PRIVATE_FILE_MODE });
    remembered.set(name, data);
    return host.writeFile(sealedFile(name), await seal(data), { mode: PRIVATE_FILE_MODE });
  };
  return {
    assertOpens: async () => {
      const names = ((await host.list(directory)) ?? []).filter((name) => name.endsWith(SEALED));
      const [first] = names.map((name) => name.slice(0, -SEALED.length)).filter((name) => !remembered.has(name));
      if (first !== undefined) await readKept(first);
    },
    locate: async (name) => {
      if (!NAME.test(name)) return undefined;
      for (const file of [plainFile(name), sealedFile(name)]) if ((await host.stat(file)) !== undefined) return file;
      return undefined;
    },
    keep: async (data) => {
      const name = sha256(data);
      // The same bytes have the same name: the first call writes them, concurrent calls wait for it.
      const write = kept.get(name) ?? writeKept(name, data);
      kept.set(name, write);
      try {
        await write;
      } catch (error) {
        kept.delete(name);
        throw error;
      }
      return name;
    },
    read: async (name) => {
      const data = NAME.test(name) ? await readKept(name) : undefined;
      if (data !== undefined && sha256(data) === name) return data;
      throw new WorkflowError({
        code: 'JOURNAL_CORRUPT',
        message: 'the backup bytes are missing or damaged',
        subject: plainFile(name),
        hint: 'restore this file from another backup of the node',
      });
    },
  };
}

function isSealed(subject: string, cause?: unknown): WorkflowError {
  return new WorkflowError({
    code: 'BACKUP_SEALED',
    message:
      cause === undefined
        ? 'the backup is encrypted and no identity was given'
        : 'cannot decrypt the backup with this identity',
    subject,
    hint: 'give the identity of the recipient with --backup-identity FILE',
    ...(cause === undefined ? {} : { cause }),
  });
}
