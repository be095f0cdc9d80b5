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
import { CERTIFICATE_MODE, editOf, planEdits, refuse, toEdit, verifyNewCa } from './stage-edits.ts';
import { type RotationStepOptions, stageStepIds } from './stage-options.ts';
import { exchangesOf, planTrustEdits } from './trust-exchange.ts';

/**
 * Makes the new authority and trusts it beside the old one in every file of this node. The old one goes on signing; the key
 * of the new one waits beside it.
 *
 * A file that has lost the new one since (kubeadm writes one certificate into a kubeconfig) is mended.
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
    // The places are known before the new authority is: those of the old one.
    const places = await planTrustEdits(
      [{ old: certificate, replacement: [certificate, certificate] }],
      state,
      input,
      host,
    );
    const changes = [
      await planFileChange(files.nextKey, host),
      ...(files.signing === undefined ? [] : [await planFileChange(files.signing, host, CERTIFICATE_MODE)]),
      ...(await planEdits(places, host)),
    ];
    return {
      needed: `${entry.definition.name} is to be trusted beside a new one, which signs nothing yet`,
      evidence: [
        `the new one is valid until ${planCaValidity(clock.now(), caDays).notAfter.toISOString()}`,
        ...places.map(({ path }) => `trusted in ${path}`),
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
      look: async (state, input) => {
        if (state.stage === 'issue') return { done: 'the new CA signs already' };
        if (state.stage === 'settled') return mayBegin ? begin(state, input) : { done: 'no rotation is under way' };
        const edits = await planTrustEdits(exchangesOf(state), state, input, host);
        if (edits.length === 0) return { done: 'the new CA is trusted wherever the old one is on this node' };
        return {
          needed: 'some files trust the old CA alone again',
          evidence: edits.map(({ path }) => `mended in ${path}`),
          changes: await planEdits(edits, host),
          makeEdits: async () => edits.map(toEdit),
        };
      },
      verify: async (state, input) => {
        if (state.stage === 'issue' || state.next === undefined)
          return refuse('there is no new CA on this node', state);
        const missing = await planTrustEdits(exchangesOf(state), state, input, host);
        if (missing[0] !== undefined) return refuse(`${missing[0].path} does not trust the new CA`, state);
        return verifyNewCa(state.next.certificate, `${state.files.certificate}: both are trusted, the new one is`);
      },
    },
    context,
  );
}

/** Why no rotation can begin here. */
function obstacleOf(
  { current, isSigningApart }: RotationState,
  now: Date,
): { readonly code: string; readonly reason: string; readonly hint: string } | undefined {
  if (isSigningApart) {
    return {
      code: 'PKI_ROTATION_STAGE',
      reason: 'the last rotation has not come to its end',
      hint: 'end it first: certs rotate-ca, with --stage drop',
    };
  }
  if (!isSelfSigned(current.certificate)) {
    return {
      code: 'PKI_CA_INVALID',
      reason: 'another authority signed it, so a new one cannot be made here',
      hint: 'have a new one made by whoever keeps the authority above it, and adopt it: certs adopt',
    };
  }
  if (now <= current.certificate.notAfter) return undefined;
  return {
    code: 'PKI_CA_EXPIRED',
    reason: 'it has expired, so nothing works that could be kept working',
    hint: 'recover first; it issues the CA anew with the same key',
  };
}
