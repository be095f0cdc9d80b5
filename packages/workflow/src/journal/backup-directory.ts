import { type Host, type HostPath, joinPath } from '@kube-rescue/host';
import type { BackupSeal } from './backup-seal.ts';
import type { BackupDirectory } from '../plan/change.ts';
import { sha256 } from '../plan/digest.ts';
import { WorkflowError } from '../errors.ts';

const PRIVATE_FILE_MODE = 0o600;
const SEALED = '.sealed';
const NAME = /^[0-9a-f]{64}$/;

/** A backup folder that can be asked whether it opens before anything depends on it. */
export interface OpenableBackup extends BackupDirectory {
  /** @throws WorkflowError `BACKUP_SEALED` when it holds sealed bytes that this process cannot open */
  assertOpens(): Promise<void>;
}

/**
 * Keeps bytes by their SHA-256, sealed where there is a seal.
 *
 * What this process has kept it can take back without the identity: it remembers the bytes as long as it lives.
 */
export function createBackupDirectory(host: Host, folder: HostPath, { seal, unseal }: BackupSeal): OpenableBackup {
  const remembered = new Map<string, Uint8Array>();
  const kept = new Map<string, Promise<void>>();
  const plainFile = (name: string): HostPath => joinPath(folder, name);
  const sealedFile = (name: string): HostPath => joinPath(folder, `${name}${SEALED}`);

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
    if (seal === undefined) return host.writeFile(plainFile(name), data, { mode: PRIVATE_FILE_MODE });
    remembered.set(name, data);
    return host.writeFile(sealedFile(name), await seal(data), { mode: PRIVATE_FILE_MODE });
  };
  return {
    assertOpens: async () => {
      const names = ((await host.list(folder)) ?? []).filter((name) => name.endsWith(SEALED));
      const [first] = names.map((name) => name.slice(0, -SEALED.length)).filter((name) => !remembered.has(name));
      if (first !== undefined) await readKept(first);
    },
    keep: async (data) => {
      const name = sha256(data);
      // The same bytes have the same name: they are written once, by whoever comes first, and the others wait for that.
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
        message: 'the kept bytes are missing or not those that were kept',
        subject: plainFile(name),
        hint: 'restore this file from another backup of the node',
      });
    },
  };
}

function isSealed(subject: string, cause?: unknown): WorkflowError {
  return new WorkflowError({
    code: 'BACKUP_SEALED',
    message: 'the kept bytes are encrypted, and this identity does not open them',
    subject,
    hint: 'give the identity of the recipient with --backup-identity FILE',
    ...(cause === undefined ? {} : { cause }),
  });
}
