import type { KubeletConfiguration, KubeletVersion } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';
import { whyUnknown } from './flag-history.ts';

/**
 * Flags that this version of the kubelet does not have: it ends with `unknown flag`. Fields of its configuration file that it does
 * not have are ignored with a warning (Kubernetes, `pkg/kubelet/kubeletconfig/util/codec/codec.go`), so they are no fault. Pure.
 */
export function findUnknownFlags(
  { commandLine, component }: Pick<KubeletConfiguration, 'commandLine' | 'component'>,
  version: KubeletVersion | undefined,
): readonly Finding[] {
  if (version === undefined) return [];
  const unknown = [...commandLine].flatMap(([flag, value]) => {
    const reason = whyUnknown(flag, version.minor);
    return reason === undefined ? [] : [{ flag, line: `--${flag}=${value}: ${reason}` }];
  });
  if (unknown.length === 0) return [];
  const flags = unknown.map(({ flag }) => `--${flag}`).join(', ');
  return [
    {
      code: 'FLAG_UNKNOWN',
      summary: `the kubelet does not start: version ${version.text} has no ${unknown.length === 1 ? 'flag' : 'flags'} ${flags}`,
      evidence: [...unknown.map(({ line }) => line), `version ${version.text}: ${version.source}`],
      hint: `remove ${flags} from /var/lib/kubelet/kubeadm-flags.env, KUBELET_EXTRA_ARGS or ${component.source}, then \`systemctl restart kubelet\``,
    },
  ];
}
