import type { Host } from '@kube-rescue/host';
import { type ComponentFlags, namedPaths } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';

/** A program does not start when it cannot open a file that one of these flags names. */
const READ_AT_START =
  /(^|-)(file|kubeconfig|cafile|certfile|keyfile|config|ca|certificate|certificate-authority|client-key|cert-key)$/;
/** Files that the program writes, or can do without. */
const NOT_REQUIRED: readonly string[] = [
  // Written by the program (kube-apiserver, klog).
  'log-file',
  // Read only while the kubelet has no kubeconfig: kubernetes.io, "TLS bootstrapping".
  'bootstrap-kubeconfig',
  // Not files: etcd's certificate names and discovery, and modes that the regular expression would match.
  'auto-tls',
];

/**
 * Files that a flag names and that its program cannot open, because they are missing or because no volume carries them into the
 * container.
 *
 * Does not judge the content. Files that are judged as certificates are left to that judgement: pass them in `judged`.
 *
 * @param isWanted flags to look at. Default: all
 * @throws HostError when a directory on the way cannot be read
 */
export async function findUnreadableFlagFiles(
  components: readonly ComponentFlags[],
  judged: ReadonlySet<string>,
  { host }: { readonly host: Pick<Host, 'stat'> },
  isWanted: (flag: string) => boolean = () => true,
): Promise<readonly Finding[]> {
  const findings = await Promise.all(
    components.map(async (component): Promise<Finding | undefined> => {
      const evidence = await listUnreadable(component, judged, host, isWanted);
      if (evidence.length === 0) return undefined;
      const name = component.component;
      return {
        code: 'FLAG_FILE_MISSING',
        summary: `${name} cannot start: ${evidence.length === 1 ? 'a file' : `${evidence.length} files`} named by its flags cannot be opened`,
        evidence,
        hint: `restore the files from a backup, or correct the flags and volumes in ${component.source}`,
      };
    }),
  );
  return findings.filter((finding) => finding !== undefined);
}

async function listUnreadable(
  { flags, unmapped = [], unmounted = [] }: ComponentFlags,
  judged: ReadonlySet<string>,
  host: Pick<Host, 'stat'>,
  isWanted: (flag: string) => boolean,
): Promise<readonly string[]> {
  const named = [...flags].filter(
    ([flag]) => READ_AT_START.test(flag) && !NOT_REQUIRED.includes(flag) && isWanted(flag),
  );
  const lines = await Promise.all(
    named.flatMap(([flag, value]) =>
      namedPaths(value).map(async (path) => {
        if (unmounted.includes(flag)) return `--${flag}=${path}: no volume of the pod mounts it`;
        const isKnown = judged.has(path) || unmapped.includes(flag) || (await host.stat(path)) !== undefined;
        return isKnown ? undefined : `--${flag}=${path}: the file does not exist`;
      }),
    ),
  );
  return lines.filter((line) => line !== undefined);
}
