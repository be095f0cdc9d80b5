import { formatTime } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import type { Step, Verdict } from '@kube-rescue/workflow';
import { type Certificate, containsPem, isSelfSigned, isSelfSignedCa } from '@kube-rescue/x509';
import { reissueStepId } from '../inventory/catalogue.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { observeCa, type ReissueContext } from './ca-observation.ts';
import { planReissues, type ReissueInput } from './ca-plans.ts';
import { proveEdits } from './written-content.ts';
import type { FileFinding } from './file-plan.ts';

/** Verifies the CA on disk with OpenSSL, and that no file still trusts its old certificate. */
async function verifyReissue(context: ReissueContext, now: Date): Promise<Verdict> {
  const observation = await observeCa({ ...context, isForced: false }, now);
  const { path, definition } = context.ca;
  const old =
    context.reissued === undefined ? 'the expired certificate' : `another certificate than ${context.reissued.path}`;
  const refuse = (reason: string): Verdict => ({
    verified: false,
    reason,
    hint: 'inspect the file, then run the recovery again',
  });
  if (!('current' in observation)) return refuse(`${path}: no certificate of the ${definition.name}`);
  const { current, isToBeReissued, stale } = observation;
  if (isToBeReissued) return refuse(`${path}: the ${definition.name} is still ${old}`);
  if (stale[0] !== undefined) return refuse(`${stale[0].path} still trusts ${old} of the ${definition.name}`);
  const bytes = Buffer.from((await context.host.readFile(path)) ?? new Uint8Array());
  if (!containsPem(bytes.toString('latin1'))) return refuse(`${path} holds no PEM`);
  if (isSelfSigned(current) && !isSelfSignedCa(current.der)) {
    return refuse(`${path}: the certificate on disk is not a self-signed CA certificate`);
  }
  const stray = await findStray(context, current);
  if (stray !== undefined)
    return refuse(`${stray}: its certificate has the signature of the ${definition.name}, but not its name`);
  return {
    verified: true,
    evidence: [`${path}: serial ${current.x509.serialNumber}, valid until ${formatTime(current.notAfter)}`],
  };
}

/** OpenSSL alone: a leaf with the signature of a lost CA that does not chain to its certificate on disk. */
async function findStray({ ca, input, host }: ReissueContext, current: Certificate): Promise<string | undefined> {
  if (ca.lost === undefined) return undefined;
  const { certificates } = await inspectCertificates({ ...input, only: undefined }, { host });
  return certificates.find(
    ({ certificate }) =>
      certificate.ok &&
      certificate.value.x509.verify(current.x509.publicKey) &&
      !certificate.value.x509.checkIssued(current.x509),
  )?.certificateLocation.path;
}

/**
 * One step for every CA of an inventory: reissues an expired CA with the same key, in every file of the node that holds
 * the expired certificate (its own file, files in flags and kubeconfigs, data in kubeconfigs). Its leaves stay valid.
 *
 * A certificate of a CA that was lost with its file is written again: from another file of the node that trusts it, or issued
 * again with the key of the CA under the name in a leaf that this key signed. Without either the step is `blocked`.
 *
 * With certificates of `reissued`, installs those instead of issuing; whether they fit is judged before, by `assertReissuedCasFit`.
 *
 * A valid CA whose expired certificate is still trusted in a file gets that file fixed. An expired CA without its key, or
 * signed by another CA, is `blocked`. Changes no object of the cluster and restarts nothing.
 * @throws PkiError `PKI_LIFETIME_INVALID`; `PKI_CERTIFICATE_UNKNOWN` for a CA in `force` that this node does not have
 */
export function createReissueSteps(
  input: ReissueInput,
  deps: { readonly host: ReissueContext['host']; readonly clock: Clock },
): readonly Step<FileFinding>[] {
  return planReissues(input, deps).map(
    ({ context, check, render }): Step<FileFinding> => ({
      id: reissueStepId(context.ca.id),
      title: titleOf(context),
      requires: [],
      reversible: 'yes',
      check,
      plan: ({ changes }) => changes,
      apply: async (changes, journal) => journal.perform(await proveEdits(await render(changes), deps.host)),
      verify: () => verifyReissue(context, deps.clock.now()),
    }),
  );
}

function titleOf({ ca, reissued }: ReissueContext): string {
  if (ca.lost !== undefined) return `write the lost certificate of the ${ca.definition.name} again`;
  if (reissued !== undefined) return `install the reissued certificate of the ${ca.definition.name}`;
  return `reissue the ${ca.definition.name} with the same key`;
}
