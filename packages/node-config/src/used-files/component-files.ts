import type { ComponentFlags } from '../components/component-flags.ts';
import { hostPathOf } from '../static-pods/static-pod.ts';
import { filesOfWords, type UsedFile } from './used-file.ts';

/**
 * Directories, sockets and files that are no configuration; the kubelet reads a bootstrap kubeconfig only while it has no other
 * (kubernetes.io, "TLS bootstrapping").
 */
const NOT_READ = /(?:^|-)(?:dir|path|prefix|socket|endpoint|endpoints|log-file|bootstrap-kubeconfig)$/;

/** The files that the flags of components name, on the host. */
export function filesOfComponents(components: readonly ComponentFlags[]): readonly UsedFile[] {
  return components.flatMap(({ component, flags, mounts, unmapped = [] }) => {
    const words = [...flags]
      .filter(([flag]) => !NOT_READ.test(flag) && !unmapped.includes(flag))
      .flatMap(([flag, value]) => splitPairs(flag, value).map((each) => ({ through: `--${flag}`, value: each })));
    // The flags have the host's paths already; files that they name have the container's.
    const toHost: UsedFile['toHost'] = (path) => (mounts === undefined ? path : hostPathOf({ mounts }, path));
    return filesOfWords(words, { user: component, toHost: (path) => path }).map((file) => ({ ...file, toHost }));
  });
}

/** Several pairs of `--tls-sni-cert-key` in one value: a pair begins with two paths. */
function splitPairs(flag: string, value: string): readonly string[] {
  return flag === 'tls-sni-cert-key' ? value.split(/,(?=\/[^,]*,\/)/) : [value];
}
