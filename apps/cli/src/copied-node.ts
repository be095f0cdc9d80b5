import { copyOnly, type Host, type HostPath, isLiveRoot } from '@kube-rescue/host';
import { usageError } from './envelope.ts';

/** The directory of `--root`. @throws CliError `USAGE` when it is empty, unreadable, or this machine's own root directory */
export async function openCopy(
  text: string,
  { host, path }: { readonly host: Pick<Host, 'list'>; readonly path: (text: string) => HostPath },
): Promise<HostPath> {
  if (text === '')
    throw usageError('--root names no directory', '--root', "give a directory with a copy of the node's files");
  const root = path(text);
  const names = await host.list(root).catch(() => undefined);
  if (names === undefined) {
    throw usageError('the --root directory is unreadable', root, "use a directory with a copy of the node's files");
  }
  if (await isLiveRoot(root)) {
    const hint = 'leave out --root to work on this machine, or give a directory with a copy of its files';
    throw usageError("the --root directory is this machine's own root directory, not a copy", root, hint);
  }
  return root;
}

/** Flags that ask for more than files. Flags with a default are matched by value. */
const LIVE_FLAGS: readonly (readonly [flag: RegExp, value: string | undefined, wanted: string])[] = [
  [/^service-command$/, undefined, 'the service manager'],
  [/^(ssh|ssh-.+|join)$/, undefined, 'SSH to other nodes'],
  [/^via$/, 'api', 'the API server'],
  [/^(endpoint|cacert|cert|key|accept-expired-server)$/, undefined, 'etcd'],
  [/^(aws-credentials|profile|role-arn|write-test)$/, undefined, 'AWS and DNS'],
];

/**
 * Refuses flags that need a running node, before anything is read or written.
 * @throws HostError `HOST_COPY`, which names the flag but not its value
 */
export function refuseLiveFlags(flags: object, copy: HostPath): void {
  for (const [name, value] of Object.entries(flags) as readonly (readonly [string, unknown])[]) {
    if (value === undefined || value === false) continue;
    const found = LIVE_FLAGS.find(([flag, only]) => flag.test(name) && (only === undefined || only === value));
    if (found !== undefined) throw copyOnly(`${found[2]} (--${name})`, copy);
  }
}
