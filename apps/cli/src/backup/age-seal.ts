import type { HostPath } from '@kube-rescue/host';
import type { NodeDeps } from '@kube-rescue/node';
import type { BackupSeal } from '@kube-rescue/workflow';
import { usageError } from '../envelope.ts';
import type { LocalFiles } from '../local-files.ts';

/** The flags that say whom backups are for. */
export interface BackupFlags {
  readonly 'backup-recipient'?: readonly string[] | undefined;
  readonly 'backup-identity'?: string | undefined;
}

/** Seals what a run keeps: the old bytes of what it changes, and its snapshots of etcd. */
export interface Seals {
  readonly backup: BackupSeal;
  readonly snapshot: NodeDeps['sealSnapshot'];
}

/**
 * Seals with age (https://age-encryption.org/v1) for every recipient that is named; opens with the identities of a file.
 * @throws CliError `USAGE`, which never quotes an identity
 */
export async function openSeals(flags: BackupFlags, localFiles: LocalFiles): Promise<Seals> {
  const recipients = flags['backup-recipient'] ?? [];
  const identityFile = flags['backup-identity'];
  if (recipients.length === 0 && identityFile === undefined) return { backup: {}, snapshot: undefined };
  const { Decrypter, Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    refuseInvalid(() => encrypter.addRecipient(recipient), recipient, 'give the public key of an age identity: age1…');
  }
  const decrypter = new Decrypter();
  const identities = identityFile === undefined ? [] : await readIdentities(localFiles.path(identityFile), localFiles);
  for (const identity of identities) {
    const hint = 'give a file as age-keygen writes it, with lines AGE-SECRET-KEY-1…';
    refuseInvalid(() => decrypter.addIdentity(identity), identityFile ?? '', hint);
  }
  const isSealing = recipients.length > 0;
  return {
    backup: {
      seal: isSealing ? (data) => encrypter.encrypt(data) : undefined,
      unseal: identities.length === 0 ? undefined : (sealed) => decrypter.decrypt(sealed),
    },
    snapshot: isSealing
      ? {
          suffix: '.age',
          seal: async function* (pieces: AsyncIterable<Uint8Array>) {
            const source = ReadableStream.from<Uint8Array>(pieces);
            yield* await encrypter.encrypt(source);
          },
        }
      : undefined,
  };
}

async function readIdentities(path: HostPath, { host }: LocalFiles): Promise<readonly string[]> {
  const bytes = await host.readFile(path);
  if (bytes === undefined) {
    throw usageError('there is no such file', path, 'check the path given with --backup-identity');
  }
  const lines = new TextDecoder().decode(bytes).split('\n');
  const identities = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (identities.length > 0) return identities;
  throw usageError('there is no identity in this file', path, 'give a file as age-keygen writes it');
}

function refuseInvalid(add: () => void, subject: string, hint: string): void {
  try {
    add();
  } catch {
    // What the library says may quote the line.
    throw usageError('this is no key of age', subject, hint);
  }
}
