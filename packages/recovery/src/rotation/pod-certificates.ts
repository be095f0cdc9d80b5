import { fieldsAt, listAt, textAt } from '@kube-rescue/cluster-objects';
import { hostPath, joinPath } from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';
import { type Certificate, hasCertificateLine, readCertificates } from '@kube-rescue/x509';

/** The certificate of a pod: of a `podCertificate` source of a projected volume. */
interface PodCertificate {
  /** For example `shop/web-1 (signer example.org/mesh)`. */
  readonly name: string;
  /** The issued chain in PEM; `undefined` where neither the API server nor this node has it. */
  readonly chain: string | undefined;
}

/** The pods whose certificates another CA of the same name has signed, and those of unknown issuers. */
export interface PodCertificates {
  readonly ofFormerCa: readonly string[];
  readonly unread: readonly string[];
}

const REQUESTS = '/apis/certificates.k8s.io/v1/podcertificaterequests';
const VOLUMES = 'volumes/kubernetes.io~projected';
const PODS = hostPath('/var/lib/kubelet/pods');
const MANY = 20;

/**
 * Finds pods whose certificates (PodCertificateRequest, v1 since Kubernetes 1.37) a CA of the same name but with another key than
 * `ca` has signed: a verifier that trusts `ca` alone refuses them. Only other programs sign such requests; with which CA, only the chain
 * shows. It is in the volumes of this node's pods, and in the request, which kube-controller-manager deletes after half an hour.
 *
 * Reads only; without an answer of the API server, nothing is found.
 */
export async function findPodCertificates(ca: Certificate, node: Node, signal: AbortSignal): Promise<PodCertificates> {
  const found = await listPodCertificates(node, signal);
  const ofFormerCa = found.filter(({ chain }) => chain !== undefined && isOfFormerCa(chain, ca));
  const unread = found.filter(({ chain }) => chain === undefined);
  return { ofFormerCa: ofFormerCa.map(({ name }) => name), unread: unread.map(({ name }) => name) };
}

/** The warnings for an operator. */
export function describePodCertificates({ ofFormerCa, unread }: PodCertificates): readonly string[] {
  return [
    ...(ofFormerCa.length === 0
      ? []
      : [
          `pods with a certificate of the old CA, which servers that trust the new one alone refuse; give their signer the new CA, then replace the pods: ${shorten(ofFormerCa)}`,
        ]),
    ...(unread.length === 0
      ? []
      : [
          `pods whose certificates cannot be read here; replace them if their signer used the old CA: ${shorten(unread)}`,
        ]),
  ];
}

async function listPodCertificates(node: Node, signal: AbortSignal): Promise<readonly PodCertificate[]> {
  const pods = ((await node.api.list('/api/v1/pods', signal)) ?? []).filter((pod) => sourcesOf(pod).length > 0);
  if (pods.length === 0) return [];
  const requests = (await node.api.list(REQUESTS, signal)) ?? [];
  const certificates: PodCertificate[] = [];
  for (const pod of pods) {
    for (const source of sourcesOf(pod)) {
      const chain = (await readMounted(pod, source, node)) ?? findIssued(pod, source.signer, requests);
      certificates.push({ name: `${nameOf(pod)} (signer ${source.signer})`, chain });
    }
  }
  return certificates;
}

interface Source {
  readonly volume: string;
  readonly signer: string;
  readonly paths: readonly string[];
}

function sourcesOf(pod: unknown): readonly Source[] {
  const { phase } = fieldsAt(pod, 'status');
  if (phase === 'Succeeded' || phase === 'Failed') return [];
  return listAt(fieldsAt(pod, 'spec'), 'volumes').flatMap((volume) =>
    listAt(fieldsAt(volume, 'projected'), 'sources').flatMap((each) => {
      const source = fieldsAt(each, 'podCertificate');
      const signer = textAt(source, 'signerName');
      if (signer === undefined) return [];
      const paths = [textAt(source, 'credentialBundlePath'), textAt(source, 'certificateChainPath')];
      return [{ volume: textAt(volume, 'name') ?? '', signer, paths: paths.filter((path) => path !== undefined) }];
    }),
  );
}

/** `undefined` for a pod of another node, or one whose volume is not there yet. */
async function readMounted(pod: unknown, { volume, paths }: Source, { host }: Node): Promise<string | undefined> {
  for (const path of paths) {
    const segments = [uidOf(pod), VOLUMES, volume, path];
    if (!segments.every(isBelow)) continue;
    const text = Buffer.from((await host.readFile(joinPath(PODS, ...segments))) ?? []).toString('latin1');
    if (hasCertificateLine(text)) return text;
  }
  return undefined;
}

/** The API server validates these; an object of its store may hold anything. */
function isBelow(segment: string): boolean {
  return segment !== '' && !segment.startsWith('/') && !segment.includes('\0') && !segment.split('/').includes('..');
}

/** The newest chain that was issued for the pod. */
function findIssued(pod: unknown, signer: string, requests: readonly unknown[]): string | undefined {
  const chains = requests.flatMap((request) => {
    const { podUID, signerName } = fieldsAt(request, 'spec');
    const { certificateChain, notBefore } = fieldsAt(request, 'status');
    const isItsOwn = podUID === uidOf(pod) && signerName === signer;
    return isItsOwn && typeof certificateChain === 'string' ? [{ certificateChain, notBefore: String(notBefore) }] : [];
  });
  return chains.toSorted((a, b) => a.notBefore.localeCompare(b.notBefore)).at(-1)?.certificateChain;
}

/** Whether a chain ends at a CA with the name of `ca` and another key. */
function isOfFormerCa(chain: string, ca: Certificate): boolean {
  const { subject, publicKey } = ca.x509;
  return readCertificates(chain).some((each) => each.issuer === subject && !each.verify(publicKey));
}

function uidOf(pod: unknown): string {
  return textAt(fieldsAt(pod, 'metadata'), 'uid') ?? '';
}

function nameOf(pod: unknown): string {
  const { namespace, name } = fieldsAt(pod, 'metadata');
  return `${String(namespace)}/${String(name)}`;
}

function shorten(names: readonly string[]): string {
  return `${names.slice(0, MANY).join(', ')}${names.length > MANY ? ` and ${names.length - MANY} more` : ''}`;
}
