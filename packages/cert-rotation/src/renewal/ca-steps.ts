import type { Clock } from '@kube-rescue/host';
import type { Step, Verdict } from '@kube-rescue/workflow';
import { containsPem, isSelfSigned, isSelfSignedCa } from '@kube-rescue/x509';
import { reissueStepId } from '../inventory/catalogue.ts';
import { observeCa, planReissues, type ReissueContext, type ReissueInput } from './ca-plans.ts';
import type { FileFinding } from './file-plan.ts';

/** OpenSSL's own opinion of the authority on disk, and whether anything still trusts an expired certificate of it. */
async function verifyReissue(context: ReissueContext, now: Date): Promise<Verdict> {
  const observation = await observeCa({ ...context, isForced: false }, now);
  const { path, definition } = context.ca;
  const refuse = (reason: string): Verdict => ({
    verified: false,
    reason,
    hint: 'look at the file, then run the recovery again',
  });
  if (!('current' in observation)) return refuse(`${path}: there is no certificate of ${definition.name}`);
  const { current, isToBeReissued, stale } = observation;
  if (isToBeReissued) return refuse(`${path}: ${definition.name} still is an expired one`);
  if (stale[0] !== undefined)
    return refuse(`${stale[0].path} still trusts an expired certificate of ${definition.name}`);
  const bytes = Buffer.from((await context.host.readFile(path)) ?? new Uint8Array());
  if (!containsPem(bytes.toString('latin1'))) return refuse(`${path} holds no PEM`);
  if (isSelfSigned(current) && !isSelfSignedCa(current.der)) {
    return refuse(`${path}: the certificate on disk is not that of a self-signed CA`);
  }
  return {
    verified: true,
    evidence: [`${path}: serial ${current.x509.serialNumber}, valid until ${current.notAfter.toISOString()}`],
  };
}

/**
 * One step for every authority of an inventory: issues its certificate anew with its own key when it has expired, and puts
 * it wherever this node's files hold the expired one (its own file, what flags and kubeconfigs name, what kubeconfigs
 * embed). What the authority signed before stays good, so a leaf that is valid stays as it is.
 *
 * A valid authority whose expired certificate is still trusted somewhere gets those files mended. An authority without its
 * key, or one that another authority signed, is `blocked` when it has expired. Changes no object of the cluster and
 * restarts nothing.
 * @throws PkiError `PKI_LIFETIME_INVALID`; `PKI_CERTIFICATE_UNKNOWN` for an authority in `force` that this node does not have
 */
export function createReissueSteps(
  input: ReissueInput,
  deps: { readonly host: ReissueContext['host']; readonly clock: Clock },
): readonly Step<FileFinding>[] {
  return planReissues(input, deps).map(
    ({ context, check, render }): Step<FileFinding> => ({
      id: reissueStepId(context.ca.id),
      title: `reissue ${context.ca.definition.name} with the same key`,
      requires: [],
      reversible: 'yes',
      check,
      plan: ({ changes }) => changes,
      apply: async (changes, journal) => journal.perform(await render(changes)),
      verify: () => verifyReissue(context, deps.clock.now()),
    }),
  );
}
