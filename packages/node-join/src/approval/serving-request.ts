import { fieldsAt, type KubernetesObject, listAt, textAt, textsAt } from '@kube-rescue/cluster-objects';
import { isIpAddress } from '@kube-rescue/host';
import { readSigningRequest } from '@kube-rescue/x509';

/** Who may get a serving certificate, and for which names. */
export interface ServingSubject {
  /** Name of the Node. */
  readonly node: string;
  /** DNS names and addresses that are known to be this node's. */
  readonly names: readonly string[];
}

/** Kubernetes documentation, "Certificate Signing Requests". */
const SIGNER = 'kubernetes.io/kubelet-serving';
const GROUP = 'system:nodes';
/** A key that cannot encipher is requested without the usage since 1.27. */
const USAGES: readonly string[] = ['digital signature', 'server auth'];
const OPTIONAL_USAGE = 'key encipherment';
/** Names of the API server's Service, and every name: a kubelet never serves them. */
const NOT_OF_A_NODE = /^(?:kubernetes(?:\..*)?|localhost|\*.*)$/i;
const LOOPBACK = /^(?:127\.|::1$)/;

/** Whether a kubelet of this node has sent the request: the API server sets the user and the groups of its sender. */
export function isServingRequestOf({ spec }: KubernetesObject, node: string): boolean {
  return (
    textAt(spec, 'signerName') === SIGNER &&
    textAt(spec, 'username') === `system:node:${node}` &&
    textsAt(spec, 'groups').includes(GROUP)
  );
}

/**
 * Why a request of this node's kubelet is not approved; `undefined` when it asks for nothing but the serving certificate of this
 * node. Pure.
 *
 * Stricter than the signer (Kubernetes `pkg/apis/certificates/helpers.go` ValidateKubeletServingCSR) in what it leaves to the
 * approver: the names must be this node's, and never those of the API server.
 */
export function refuseServingRequest({ spec }: KubernetesObject, { node, names }: ServingSubject): string | undefined {
  const usages = textsAt(spec, 'usages').filter((usage) => usage !== OPTIONAL_USAGE);
  if (usages.length !== USAGES.length || !USAGES.every((usage) => usages.includes(usage))) {
    return `it asks for the usages ${textsAt(spec, 'usages').join(', ')}`;
  }
  const read = readSigningRequest(Buffer.from(textAt(spec, 'request') ?? '', 'base64').toString());
  if (read === undefined) return 'it is damaged, or its sender does not hold its key';
  if (read.commonName !== `system:node:${node}` || read.organizations.join() !== GROUP) {
    return 'its subject is not that of this node';
  }
  if (read.hasOtherContent) return 'it asks for more than names';
  if (read.subjectAltNames.length === 0) return 'it asks for no name';
  const foreign = read.subjectAltNames.find((each) => !isNameOf(each, names));
  return foreign === undefined ? undefined : `it asks for ${foreign}, which is not known to be this node's`;
}

function isNameOf(requested: string, names: readonly string[]): boolean {
  const [, kind, name = ''] = /^(DNS|IP):(.+)$/s.exec(requested) ?? [];
  if (kind === undefined || NOT_OF_A_NODE.test(name) || (kind === 'IP' && LOOPBACK.test(name))) return false;
  return names.some((each) => canonical(each) === canonical(name));
}

function canonical(name: string): string {
  const isLong = name.includes(':') && isIpAddress(name);
  return (isLong ? new URL(`http://[${name}]`).hostname : name).toLowerCase();
}

/** The addresses and names in the status of a Node, which its kubelet puts into its request (`pkg/kubelet/certificate/kubelet.go`). */
export function namesOfNode(node: KubernetesObject | undefined): readonly string[] {
  return listAt(fieldsAt(node, 'status'), 'addresses').flatMap((each) => textAt(each, 'address') ?? []);
}
