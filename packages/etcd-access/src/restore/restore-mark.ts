import { type HostFiles, type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** What a data directory was restored from; in a file of its own in `member`, which etcd does not read. */
export interface RestoreMark {
  /** Distinguishes this restore from any other. */
  readonly value: string;
  /** SHA-256 of the whole file that was restored. */
  readonly source: string;
  /** The first revision that the restored etcd uses is larger. */
  readonly revision: number;
  /** The process of the kubelet that ran at the restore; `undefined` when none was found, or it need not be known. */
  readonly kubelet?: string | undefined;
  /** Ids of the members of before. etcd 3.4 leaves them in the restored database, and knows better itself. */
  readonly formerMembers: readonly string[];
}

const MARK = 'kube-rescue-restore.json';

/** The mark in a `member` directory; `undefined` when it was not restored by this program. @throws HostError */
export async function readRestoreMark(
  member: HostPath,
  { host }: { readonly host: Pick<HostFiles, 'readFile'> },
): Promise<RestoreMark | undefined> {
  const bytes = await host.readFile(joinPath(member, MARK));
  if (bytes === undefined) return undefined;
  try {
    const { value, source, revision, kubelet, formerMembers } = JSON.parse(Buffer.from(bytes).toString()) as Readonly<
      Record<string, unknown>
    >;
    return typeof value === 'string' && typeof source === 'string' && typeof revision === 'number'
      ? {
          ...{ value, source, revision, kubelet: typeof kubelet === 'string' ? kubelet : undefined },
          formerMembers: Array.isArray(formerMembers) ? formerMembers.map(String) : [],
        }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether the data in a data directory is that of this restore: not before it, after its rollback or after a later one.
 * @throws HostError
 */
export async function isRestoredBy(
  { target, value }: { readonly target: string; readonly value?: unknown },
  deps: { readonly host: Pick<HostFiles, 'readFile'> },
): Promise<boolean> {
  const mark = await readRestoreMark(joinPath(hostPath(target), 'member'), deps);
  return mark !== undefined && mark.value === value;
}

/** Writes the mark (mode 0600). @throws HostError */
export async function writeRestoreMark(
  member: HostPath,
  mark: RestoreMark,
  { host }: { readonly host: Pick<HostFiles, 'writeFile'> },
): Promise<void> {
  await host.writeFile(joinPath(member, MARK), Buffer.from(`${JSON.stringify(mark)}\n`), { mode: 0o600 });
}
