import type { RecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import type { UsedFile } from '@kube-rescue/node-config';
import { caKeyPath } from '../inventory/ca-inventory.ts';
import { CERTIFICATES } from '../inventory/catalogue.ts';
import { locateKubeconfig } from '../inventory/certificate-locating.ts';
import type { CertificateInventory } from '../inventory/inventory.ts';
import type { JudgementOptions } from '../judgement/judgement.ts';
import type { CertificateRow } from '../judgement/report.ts';
import { readUsedCertificates, type UsedCertificates } from './used-credentials.ts';
import { judgeUsed } from './used-judgement.ts';
import { readUsedTexts } from './used-reading.ts';
import { inspectRequestedServing } from './requested-serving.ts';
import { rowOf, rowOfMissing } from './used-row.ts';

/** Certificates that programs of the node use beside those of the catalogue. */
export interface UsedReport {
  readonly rows: readonly CertificateRow[];
  /** Files that are named and could not be read: what is in them was not checked. */
  readonly unread: readonly RecoveryError[];
}

type UsedHost = Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;

/**
 * Finds, reads and judges the certificates in `files`: those of load balancers, cloud controllers, plugins, and of flags that
 * the catalogue does not list. Reads only. A file of the catalogue is left out; of a certificate in several files each has a row.
 */
export async function reportUsedCertificates(
  files: readonly UsedFile[],
  inventory: CertificateInventory,
  options: JudgementOptions,
  { host }: { readonly host: UsedHost },
): Promise<UsedReport> {
  const { texts, missing, problems } = await readUsedTexts(files, pathsOf(inventory), { host });
  const used = (await Promise.all(texts.map((text) => readUsedCertificates(text, host)))).flat();
  const context = { ...options, cas: inventory.cas };
  const unread = used.flatMap(({ certificates }) =>
    !certificates.ok && certificates.error.kind === 'unreadable' ? [certificates.error] : [],
  );
  return {
    rows: [
      ...((await inspectRequestedServing(inventory, options, { host }))?.rows ?? []),
      ...used
        .filter((each) => !isKnownTrust(each, inventory))
        .map((each) => rowOf(each, judgeUsed(each, context), options.now)),
      // The row of the certificate names its missing key.
      ...missing.filter(({ path }) => !used.some(({ key }) => key?.path === path)).map(rowOfMissing),
    ],
    unread: [...problems, ...unread],
  };
}

/** What the catalogue judges: the kubeconfigs too that only name their certificate. */
function pathsOf({ input, certificates, cas }: CertificateInventory): ReadonlySet<string> {
  const paths = certificates.flatMap(({ certificateLocation, keyLocation, store }) => [
    certificateLocation.path,
    keyLocation.path,
    ...(store?.embedded === undefined ? [] : [store.embedded.kubeconfig]),
  ]);
  const issuers = cas.flatMap((ca) => [ca.path, caKeyPath(ca, input.components)]);
  const kubeconfigs = CERTIFICATES.flatMap((definition) => locateKubeconfig(definition, input) ?? []);
  return new Set([...paths, ...issuers, ...kubeconfigs]);
}

/** The CA of the cluster in a kubeconfig or in a copy has a row already. */
function isKnownTrust({ role, certificates }: UsedCertificates, { cas }: CertificateInventory): boolean {
  if (role !== 'trust' || !certificates.ok) return false;
  const known = cas.flatMap(({ bundle }) => (bundle.ok ? bundle.value : []));
  return certificates.value.every((each) => known.some(({ der }) => Buffer.compare(der, each.der) === 0));
}
