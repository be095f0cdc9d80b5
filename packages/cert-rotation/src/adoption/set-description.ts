import { type Certificate, isSameCertificate } from '@kube-rescue/x509';
import type { CertificateInventory } from '../inventory/inventory.ts';
import type { CertificateSet } from './certificate-set.ts';
import type { Adoption } from './adoption.ts';

/** The rotation stage of a node or kubeconfig, by its trusted CAs. */
function stageOf(trusted: readonly Certificate[], { cas }: Pick<Adoption, 'cas'>): string {
  const isNew = (certificate: Certificate): boolean =>
    cas.some((adopted) => isSameCertificate(adopted.certificate, certificate));
  const news = trusted.filter(isNew).length;
  if (news === 0) return 'trusts none of the new CAs';
  return news === trusted.length ? 'trusts the new CA alone' : 'trusts the new CA beside another';
}

/** Lines for the operator: what comes from where, and which stage of a rotation the node and the kubeconfigs are in. */
export function describeSet(
  set: CertificateSet,
  adoption: Pick<Adoption, 'leaves' | 'cas'>,
  inventory: CertificateInventory,
): readonly string[] {
  const { leaves, cas } = adoption;
  const lines = [
    ...cas.map(({ ca, certificate }) => {
      const name = certificate.x509.subject.replaceAll('\n', ', ');
      return `the ${ca.definition.name} becomes ${name}, serial ${certificate.x509.serialNumber}`;
    }),
    ...leaves.map(({ entry, path, rule }) => {
      const line = `${entry.definition.name} comes from ${path}`;
      return rule === undefined ? line : `${line}, with another subject: ${rule}`;
    }),
    ...set.damaged.map((reason) => `passed over: ${reason}`),
  ];
  if (cas.length === 0) return lines;
  const node = inventory.cas.flatMap(({ bundle }) => (bundle.ok ? bundle.value : []));
  return [
    ...lines,
    `this node ${stageOf(node, adoption)}`,
    ...set.kubeconfigs.map(({ path, clusters }) => {
      const isNew = (certificate: Certificate): boolean =>
        cas.some((adopted) => isSameCertificate(adopted.certificate, certificate));
      const trusted = clusters.find((each) => each.some(isNew)) ?? clusters.flat();
      return `the kubeconfig ${path} ${stageOf(trusted, adoption)}`;
    }),
  ];
}
