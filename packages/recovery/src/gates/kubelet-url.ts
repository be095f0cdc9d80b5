import type { NodeDescription } from '@kube-rescue/node';

/** The kubelet's own default of `--port`. */
const PORT = '10250';
const EVERY_ADDRESS: readonly string[] = ['', '0.0.0.0', '::'];

/** A URL of this node's kubelet: at the address that it listens on, else at the first address of its Node, else on loopback. */
export function kubeletUrl({ kubelet }: Pick<NodeDescription, 'kubelet'>, path: string): string {
  const { flags } = kubelet.component;
  const [nodeIp = ''] = (kubelet.nodeIp ?? '').split(',');
  const address = [flags.get('address') ?? '', nodeIp, '127.0.0.1'].find((each) => !EVERY_ADDRESS.includes(each)) ?? '';
  return `https://${address.includes(':') ? `[${address}]` : address}:${flags.get('port') ?? PORT}${path}`;
}
