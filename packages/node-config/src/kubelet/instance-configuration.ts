import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { NodeConfigError } from '../errors.ts';
import { readGoYaml, YamlFault } from '../kubeconfig/go-yaml.ts';

const PATH = hostPath('/var/lib/kubelet/instance-config.yaml');

/**
 * The container runtime that kubeadm 1.34 and later keep for this node (NodeLocalCRISocket): a patch that it applies to
 * `config.yaml`; the kubelet does not read the file. `undefined` without the file, or without an endpoint in it.
 *
 * Source: `cmd/kubeadm/app/phases/kubelet/config.go` WriteInstanceConfigToDisk.
 * @throws NodeConfigError `CONFIGURATION_INVALID`; HostError when the file cannot be read
 */
export async function readInstanceEndpoint(
  host: Pick<Host, 'readFile'>,
): Promise<{ readonly endpoint: string; readonly path: HostPath } | undefined> {
  const bytes = await host.readFile(PATH);
  if (bytes === undefined) return undefined;
  const endpoint = endpointIn(new TextDecoder().decode(bytes));
  return endpoint === '' ? undefined : { endpoint, path: PATH };
}

function endpointIn(text: string): string {
  try {
    const value = readGoYaml(text);
    const endpoint = value.is === 'map' ? value.entries.get('containerRuntimeEndpoint') : undefined;
    return endpoint?.is === 'string' ? endpoint.text : '';
  } catch (cause) {
    if (!(cause instanceof YamlFault)) throw cause;
    throw new NodeConfigError({
      code: 'CONFIGURATION_INVALID',
      message: `cannot read the container runtime that kubeadm keeps: ${cause.message}`,
      subject: PATH,
      hint: 'correct the file; kubeadm writes one line: containerRuntimeEndpoint: "unix:///..."',
      cause,
    });
  }
}
