import { formatTime } from '@kube-rescue/errors';
import type { Step } from '@kube-rescue/workflow';
import {
  assertLifetime,
  encodePem,
  encodePrivateKey,
  generateKey,
  generateKeyLike,
  isSelfSigned,
  issueCaWithNewKey,
  planCaValidity,
  usualKeyLabel,
} from '@kube-rescue/x509';
import { DEFAULT_CA_DAYS } from '../renewal/ca-reissue.ts';
import { planFileChange } from '../renewal/file-target.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { createStageStep, type RotationContext, type RotationFinding, type StageStatus } from './rotation-file-step.ts';
import type { RotationState } from './rotation-state.ts';
import { blockedBy, CERTIFICATE_MODE, editOf, planEdits, refuse, toEdit, verifyNewCa } from './stage-edits.ts';
import { type RotationStepOptions, stageStepIds } from './stage-options.ts';
import { exchangesOf, findUneditable, planTrustEdits } from './trust-exchange.ts';

/**
 * Creates the new CA and adds it beside the old one in every file of this node. The old CA still signs; the new key is written
 * beside the old one.
 *
 * Restores the new CA in a file that has lost it (kubeadm writes one certificate into a kubeconfig).
 * @throws PkiError `PKI_LIFETIME_INVALID`
 */
export function createTrustStageStep(options: RotationStepOptions, context: RotationContext): Step<RotationFinding> {
  const { caDays = DEFAULT_CA_DAYS, keyAlgorithm, mayBegin = true } = options;
  assertLifetime(caDays);
  const { ca, host, clock } = context;
  const begin = async (state: RotationState, input: InspectionInput): Promise<StageStatus> => {
    const { current, files, entry } = state;
    const obstacle = obstacleOf(state, clock.now());
    if (obstacle !== undefined) return { blocked: obstacle };
    const { certificate } = current;
    const uneditable = await findUneditable([certificate], state, input, host);
    if (uneditable !== undefined) return blockedBy(uneditable);
    // The locations are those of the old CA, known before the new CA exists.
    const locations = await planTrustEdits(
      [{ old: certificate, replacement: [certificate, certificate] }],
      state,
      input,
      host,
    );
    const changes = [
      await planFileChange(files.nextKey, host),
      ...(files.signing === undefined ? [] : [await planFileChange(files.signing, host, CERTIFICATE_MODE)]),
      ...(await planEdits(locations, host)),
    ];
    return {
      needed: `the ${entry.definition.name} needs a new CA trusted beside it`,
      evidence: [
        `the new CA is valid until ${formatTime(planCaValidity(clock.now(), caDays).notAfter)}`,
        ...locations.map(({ path }) => `trusted in ${path}`),
      ],
      changes,
      makeEdits: async () => {
        const model = certificate.x509.publicKey;
        const key =
          keyAlgorithm === undefined ? await generateKeyLike(model, files.key) : await generateKey(keyAlgorithm);
        const validity = planCaValidity(clock.now(), caDays);
        const next = issueCaWithNewKey({ template: certificate, key, validity, subject: files.certificate });
        const exchange = { old: certificate, replacement: [certificate, next] } as const;
        return [
          editOf(files.nextKey, encodePrivateKey(key, usualKeyLabel(key))),
          ...(files.signing === undefined ? [] : [editOf(files.signing, encodePem('CERTIFICATE', certificate.der))]),
          ...(await planTrustEdits([exchange], state, input, host)).map(toEdit),
        ];
      },
    };
  };
  return createStageStep(
    {
      id: stageStepIds(ca).trust,
      title: 'trust a new CA beside the old one on this node',
      requires: [],
      inspect: async (state, input) => {
        if (state.stage === 'issue') return { done: 'the new CA signs already' };
        if (state.stage === 'settled') return mayBegin ? begin(state, input) : { done: 'no rotation is under way' };
        const edits = await planTrustEdits(exchangesOf(state), state, input, host);
        if (edits.length === 0) return { done: 'every file of this node that trusts the old CA trusts the new one' };
        return {
          needed: `${edits.length} ${edits.length === 1 ? 'file has' : 'files have'} lost trust in the new CA`,
          evidence: edits.map(({ path }) => `restored in ${path}`),
          changes: await planEdits(edits, host),
          makeEdits: async () => edits.map(toEdit),
        };
      },
      verify: async (state, input) => {
        if (state.stage === 'issue' || state.next === undefined)
          return refuse('there is no new CA on this node', state);
        const missing = await planTrustEdits(exchangesOf(state), state, input, host);
        if (missing[0] !== undefined) return refuse(`${missing[0].path} does not trust the new CA`, state);
        return verifyNewCa(
          state.next.certificate,
          `${state.files.certificate}: old and new CA are trusted, the new CA has`,
        );
      },
    },
    context,
  );
}

/** Why no rotation can start here. */
function obstacleOf(
  { current, isSigningApart }: RotationState,
  now: Date,
): { readonly code: string; readonly reason: string; readonly hint: string } | undefined {
  if (isSigningApart) {
    return {
      code: 'PKI_ROTATION_STAGE',
      reason: 'the last rotation is not complete',
      hint: 'complete it first: certs rotate-ca CA --stage drop',
    };
  }
  if (!isSelfSigned(current.certificate)) {
    return {
      code: 'PKI_CA_INVALID',
      reason: 'an intermediate CA cannot be rotated on this node',
      hint: 'have the operator of its root CA issue a new one, then run certs adopt',
    };
  }
  if (now <= current.certificate.notAfter) return undefined;
  return {
    code: 'PKI_CA_EXPIRED',
    reason: 'the CA has expired, so the cluster is not serving',
    hint: 'run recover first; it reissues the CA with the same key',
  };
}
