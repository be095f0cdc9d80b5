import type { HostPath } from '@kube-rescue/host';
import type { NodeDeps } from '@kube-rescue/node';
import type { BackupSeal } from '@kube-rescue/workflow';
import { usageError } from '../envelope.ts';
import type { LocalFiles } from '../local-files.ts';

/** Flags of encrypted backups. */
export interface BackupFlags {
  readonly 'backup-recipient'?: readonly string[] | undefined;
  readonly 'backup-identity'?: string | undefined;
}

/** Encryption of the backups of a run and of its etcd snapshots. */
export interface Seals {
  readonly backup: BackupSeal;
  readonly snapshot: NodeDeps['sealSnapshot'];
}

/**
 * Encrypts with age (https://age-encryption.org/v1) for every recipient; decrypts with the identities of a file.
 * @throws CliError `USAGE`, which quotes neither a recipient nor an identity
 */
export async function openSeals(flags: BackupFlags, localFiles: LocalFiles): Promise<Seals> {
  const recipients = flags['backup-recipient'] ?? [];
  const identityFile = flags['backup-identity'];
  if (recipients.length === 0 && identityFile === undefined) return { backup: {}, snapshot: undefined };
  const { Decrypter, Encrypter, identityToRecipient } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    const hint = recipient.toUpperCase().includes('SECRET-KEY')
      ? 'this is an identity, which is secret: give its public key, which age-keygen -y prints'
      : 'use the public key of an age identity: age1…';
    refuseInvalid(() => encrypter.addRecipient(recipient), '--backup-recipient', hint);
  }
  const decrypter = new Decrypter();
  const identities = identityFile === undefined ? [] : await readIdentities(localFiles.path(identityFile), localFiles);
  for (const identity of identities) {
    const hint = 'use a file of age-keygen, with lines AGE-SECRET-KEY-1…';
    refuseInvalid(() => decrypter.addIdentity(identity), identityFile ?? '', hint);
  }
  const ownEncrypter = new Encrypter();
  for (const identity of identities) ownEncrypter.addRecipient(await identityToRecipient(identity));
  const isSealing = recipients.length > 0;
  return {
    backup: {
      recipients,
      seal: isSealing ? (data) => encrypter.encrypt(data) : undefined,
      sealMore: identities.length === 0 ? undefined : (data) => ownEncrypter.encrypt(data),
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
    throw usageError('file not found', path, 'check the path given with --backup-identity');
  }
  const lines = new TextDecoder().decode(bytes).split('\n');
  const identities = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (identities.length > 0) return identities;
  throw usageError('no age identity in this file', path, 'use a file of age-keygen');
}

function refuseInvalid(add: () => void, subject: string, hint: string): void {
  try {
    add();
  } catch {
    // The library's message may quote the line.
    throw usageError('not an age key', subject, hint);
  }
}
