import { type Host, hostPath } from '@kube-rescue/host';
import type { KubeletConfiguration } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';

/** The name of the running machine, then the name it takes at the next start (hostname(5)). */
const NAMES = ['/proc/sys/kernel/hostname', '/etc/hostname'].map(hostPath);

/**
 * The kubelet's name differs from the one in its certificate: the API server lets it change neither its Node nor its lease
 * (`system:node:cp1` may not modify node `cp2`; Kubernetes, Node authorization and NodeRestriction).
 *
 * The kubelet takes `--hostname-override`, else the machine's name in lower case (Kubernetes, `pkg/util/node/node.go`). Not judged
 * with a cloud provider inside the kubelet, which gives the name, and where the machine's name is not known.
 * @param certified the name after `system:node:` in the kubelet's certificate
 */
export async function findRenamedNode(
  kubelet: Pick<KubeletConfiguration, 'hostnameOverride' | 'component'>,
  certified: string | undefined,
  { host }: { readonly host: Pick<Host, 'readFile' | 'kind'> },
): Promise<readonly Finding[]> {
  const provider = kubelet.component.flags.get('cloud-provider') ?? '';
  if (certified === undefined || !['', 'external'].includes(provider)) return [];
  const machine = await readMachineName(host);
  const name = kubelet.hostnameOverride ?? machine;
  if (name === undefined || name === certified) return [];
  const source = kubelet.hostnameOverride === undefined ? "the machine's name" : '--hostname-override';
  return [
    {
      code: 'NODE_NAME_CHANGED',
      summary: `the kubelet calls its node ${name}, but its certificate is for ${certified}: the API server refuses its changes`,
      evidence: [`${source}: ${name}`, `subject of the kubelet's certificate: system:node:${certified}`],
      hint: `start the kubelet with --hostname-override=${certified} (KUBELET_EXTRA_ARGS in /etc/default/kubelet or /etc/sysconfig/kubelet), or name the machine ${certified} again`,
    },
  ];
}

async function readMachineName(host: Pick<Host, 'readFile' | 'kind'>): Promise<string | undefined> {
  for (const path of NAMES.slice(host.kind === 'copy' ? 1 : 0)) {
    const bytes = await host.readFile(path);
    const name = bytes === undefined ? '' : firstLine(new TextDecoder().decode(bytes));
    if (name !== '') return name.toLowerCase();
  }
  return undefined;
}

/** The first line that is neither empty nor a comment. */
function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '' && !line.startsWith('#')) ?? ''
  );
}
