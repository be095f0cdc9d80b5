import { formatTime } from '@kube-rescue/errors';
import type { Change, Edit } from '@kube-rescue/workflow';
import { type Host, hostPath } from '@kube-rescue/host';
import { encodePem, encodePrivateKey, planValidity, usualKeyLabel } from '@kube-rescue/x509';
import { kubeadmCommand } from '../inventory/kubeadm-phases.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { describeLoss, type Loss } from '../inventory/loss.ts';
import { PkiError } from '../errors.ts';
import { joinSubject } from '../judgement/problem.ts';
import type { FileFinding } from '../renewal/file-plan.ts';
import type { ResolvedRenewalOptions } from '../renewal/renewal-options.ts';
import type { ScratchFacts } from './scratch-facts.ts';
import { planScratchChanges, renderScratchFile } from './scratch-files.ts';
import { issueScratch, keptKey, makeScratchKey, planScratch, type ScratchPlan } from './scratch-plan.ts';

export type LostEntry = CertificateEntry & { readonly loss: Loss };

/** How a lost certificate is made, and from what. */
export interface ScratchContext {
  readonly facts: ScratchFacts;
  readonly options: ResolvedRenewalOptions;
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat'>;
}

/** Plans the files of a lost certificate that its CA can sign. */
export async function checkScratch(
  entry: LostEntry,
  inventory: CertificateInventory,
  context: ScratchContext,
  now: Date,
): Promise<FileFinding> {
  const { definition, certificateLocation, loss, id } = entry;
  const cause = joinSubject(definition.name, describeLoss(loss));
  const plan = await planScratch(entry, { ...context, input: inventory.input }, context.host);
  if ('missing' in plan) {
    return {
      status: 'blocked',
      summary: `${cause}; it cannot be made from scratch: ${plan.missing}`,
      evidence: [],
      code: 'PKI_CERTIFICATE_LOST',
      subject: certificateLocation.path,
      hint: `restore it from a backup; or move it away, then \`${kubeadmCommand(id)}\` with the configuration of this cluster`,
      changes: [],
    };
  }
  const changes = await planScratchChanges(entry, inventory, now, context.host);
  return {
    status: 'needed',
    summary: `${cause}; it is made from scratch, ${describeKey(entry, changes)}`,
    evidence: describePlan(plan, now),
    changes,
  };
}

function describeKey(entry: CertificateEntry, changes: readonly Change[]): string {
  const isStoreKept = entry.id === 'kubelet-client' && !changes.some(({ kind }) => kind === 'symlink.replace');
  if (isStoreKept) return 'for the certificate in the store of the kubelet';
  return keptKey(entry) === undefined ? 'with a new private key' : 'for the private key that is there';
}

function describePlan(
  { subject, issuer, days, configuredBy, neighbour, server }: ScratchPlan,
  now: Date,
): readonly string[] {
  const { commonName, organizations, names } = subject;
  const { notAfter, clipped } = planValidity(issuer.certificate, now, days);
  const lifetime =
    configuredBy !== undefined
      ? `, by certificateValidityPeriod in ${configuredBy}`
      : neighbour === undefined
        ? ''
        : `, as long as the ${neighbour.definition.name}`;
  return [
    `subject: ${[...organizations.map((each) => `O=${each}`), `CN=${commonName}`].join(', ')}`,
    ...(names.length === 0 ? [] : [`names: ${names.join(', ')}; names that only the lost file had are not known`]),
    ...(server === undefined ? [] : [`server: ${server}`]),
    `valid until ${formatTime(notAfter)}${clipped ? ', when its CA expires' : lifetime}`,
  ];
}

/**
 * Issues a lost certificate and renders its files.
 *
 * @throws PkiError `PKI_CERTIFICATE_LOST` when a fact is missing by now; see `issueScratch`
 */
export async function renderScratch(
  entry: LostEntry,
  inventory: CertificateInventory,
  {
    context,
    takeKey,
    changes,
    now,
  }: {
    readonly context: ScratchContext;
    /** Takes the new key that was announced at the check. */
    readonly takeKey: (make: () => ReturnType<typeof makeScratchKey>) => ReturnType<typeof makeScratchKey>;
    readonly changes: readonly Change[];
    readonly now: Date;
  },
): Promise<readonly Edit[]> {
  const { host, options } = context;
  const plan = await planScratch(entry, { ...context, input: inventory.input }, host);
  if ('missing' in plan) {
    throw new PkiError({
      code: 'PKI_CERTIFICATE_LOST',
      message: `the ${entry.definition.name} cannot be made from scratch: ${plan.missing}`,
      subject: entry.certificateLocation.path,
      hint: 'find out which other process writes here, then plan again',
    });
  }
  const key = keptKey(entry) ?? (await takeKey(() => makeScratchKey(entry, plan, options)));
  const issued = await issueScratch(entry, plan, key, now);
  const pems = {
    certificate: encodePem('CERTIFICATE', issued.der),
    key: encodePrivateKey(key, usualKeyLabel(key)),
  };
  return Promise.all(
    changes.map(async (change): Promise<Edit> => {
      if (change.kind !== 'file.replace') return { change };
      const material = await renderScratchFile(entry, hostPath(change.target), { plan, pems, inventory }, host);
      return { change, material };
    }),
  );
}
