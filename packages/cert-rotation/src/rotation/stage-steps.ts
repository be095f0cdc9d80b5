import { X509Certificate } from 'node:crypto';
import type { HostPath } from '@kube-rescue/host';
import { type Change, type Edit, readBefore, type Step, type StepId, type Verdict } from '@kube-rescue/workflow';
import { DEFAULT_AUTHORITY_DAYS, isSelfSigned } from '../authority-reissue.ts';
import type { AuthorityId } from '../catalogue.ts';
import { assertLifetime, planAuthorityValidity } from '../certificate-issuing.ts';
import { isSameDer } from '../der.ts';
import { planFileChange } from '../file-target.ts';
import type { InspectionInput } from '../inventory.ts';
import { generateKey, type NewKeyAlgorithm } from '../key-algorithm.ts';
import { encodePem } from '../pem.ts';
import { encodePrivateKey, generateKeyLike, usualKeyLabel } from '../private-key.ts';
import { issueNewAuthority } from './new-authority.ts';
import { createStageStep, type RotationContext, type RotationFinding, type StageLook } from './rotation-file-step.ts';
import type { RotationHost, RotationState } from './rotation-state.ts';
import { dropExchangesOf, exchangesOf, planTrustEdits, type TrustEdit } from './trust-exchange.ts';

const CERTIFICATE_MODE = 0o644;

export interface RotationStepOptions {
  /** Lifetime of the new authority. Default: 3650, kubeadm's. */
  readonly authorityDays?: number | undefined;
  /** The new authority's key. Default: of the kind and size of the old one's. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
  /** Whether a rotation may be begun; otherwise only one that is under way is gone on with. Default: true. */
  readonly mayBegin?: boolean | undefined;
}

/** The ids of the steps that change an authority's own files, stage by stage. */
export function stageStepIds(authority: AuthorityId): Readonly<Record<'trust' | 'issue' | 'drop' | 'tidy', StepId>> {
  const id = (stage: string): StepId => `${stage}/${authority}-ca/files`;
  return { trust: id('trust'), issue: id('issue'), drop: id('drop'), tidy: `drop/${authority}-ca/signing-file` };
}

/**
 * Makes the new authority and trusts it beside the old one in every file of this node. The old one goes on signing; the key
 * of the new one waits beside it.
 *
 * A file that has lost the new one since (kubeadm writes one certificate into a kubeconfig) is mended.
 * @throws PkiError `PKI_LIFETIME_INVALID`
 */
export function createTrustStageStep(options: RotationStepOptions, context: RotationContext): Step<RotationFinding> {
  const { authorityDays = DEFAULT_AUTHORITY_DAYS, keyAlgorithm, mayBegin = true } = options;
  assertLifetime(authorityDays);
  const { authority, host, clock } = context;
  const begin = async (state: RotationState, input: InspectionInput): Promise<StageLook> => {
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
        `the new one is valid until ${planAuthorityValidity(clock.now(), authorityDays).notAfter.toISOString()}`,
        ...places.map(({ path }) => `trusted in ${path}`),
      ],
      changes,
      makeEdits: async () => {
        const model = certificate.x509.publicKey;
        const key =
          keyAlgorithm === undefined ? await generateKeyLike(model, files.key) : await generateKey(keyAlgorithm);
        const validity = planAuthorityValidity(clock.now(), authorityDays);
        const next = issueNewAuthority({ template: certificate, key, validity, subject: files.certificate });
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
      id: stageStepIds(authority).trust,
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
        return vouch(state.next.certificate.der, `${state.files.certificate}: both are trusted, the new one is`);
      },
    },
    context,
  );
}

/** Lets the new authority sign: its key takes the place of the old one's, which stays in the backup of the run only. */
export function createIssueStageStep(
  context: RotationContext,
  { mayBegin = true }: Pick<RotationStepOptions, 'mayBegin'> = {},
): Step<RotationFinding> {
  const { authority, host } = context;
  const ids = stageStepIds(authority);
  return createStageStep(
    {
      id: ids.issue,
      title: 'let the new CA sign',
      requires: [ids.trust],
      look: async (state) => {
        const { stage, next, current, files, entry } = state;
        if (stage === 'issue') return { done: 'the new CA signs already' };
        if (stage === 'settled' && !mayBegin) return { done: 'no rotation is under way' };
        if (next === undefined) return { waitsFor: [ids.trust], reason: 'there is no new CA yet that could sign' };
        const pair = [next.certificate, current.certificate];
        const others = (entry.bundle.ok ? entry.bundle.value : []).filter(
          ({ der }) => !pair.some((each) => isSameDer(each.der, der)),
        );
        const text = [...pair, ...others].map(({ der }) => encodePem('CERTIFICATE', der)).join('');
        const apart = files.signing;
        const change = async (path: HostPath, mode?: number) => planFileChange(path, host, mode);
        return {
          needed: `${entry.definition.name} with the new key is to sign from now on`,
          evidence: [`the old key stays in the backup of this run, and nowhere else`],
          changes: [
            ...(apart === undefined ? [] : [await change(apart, CERTIFICATE_MODE)]),
            await change(files.certificate),
            await change(files.key),
            { kind: 'file.remove', target: files.nextKey, before: await readBefore(host, files.nextKey) },
          ],
          makeEdits: async () => [
            ...(apart === undefined ? [] : [editOf(apart, encodePem('CERTIFICATE', next.certificate.der))]),
            editOf(files.certificate, text),
            { change: await change(files.key), material: (await host.readFile(files.nextKey)) ?? new Uint8Array() },
          ],
        };
      },
      verify: async (state) =>
        state.stage === 'issue' && (await host.stat(state.files.nextKey)) === undefined
          ? vouch(
              state.current.certificate.der,
              `${state.files.key}: the key that signs is the new one, whose certificate is`,
            )
          : refuse('the new CA does not sign', state),
    },
    context,
  );
}

/** Trusts the new authority alone in every file of this node. */
export function createDropStageStep(
  { requires }: { readonly requires: readonly StepId[] },
  context: RotationContext,
): Step<RotationFinding> {
  const { authority, host } = context;
  const ids = stageStepIds(authority);
  return createStageStep(
    {
      id: ids.drop,
      title: 'stop trusting the old CA on this node',
      requires,
      look: async (state, input) => {
        if (state.stage === 'trust') return { waitsFor: [ids.issue], reason: 'the old CA signs still' };
        if (state.stage === 'settled') return { done: 'this node trusts one CA of that name' };
        const edits = await planTrustEdits(dropExchangesOf(state), state, input, host);
        return {
          needed: `the former ${state.entry.definition.name.replace(/^the /, '')} is to be trusted no more`,
          evidence: edits.map(({ path }) => `dropped from ${path}`),
          changes: await planEdits(edits, host),
          makeEdits: async () => edits.map(toEdit),
        };
      },
      verify: async (state) =>
        state.stage === 'settled'
          ? vouch(state.current.certificate.der, `${state.files.certificate}: one CA is left,`)
          : refuse('the old CA is trusted still', state),
    },
    context,
  );
}

/** Removes what kube-controller-manager signed with apart, once no flag names it any more. */
export function createTidyStep(
  { requires }: { readonly requires: readonly StepId[] },
  context: RotationContext,
): Step<RotationFinding> {
  const { authority, host } = context;
  const ids = stageStepIds(authority);
  return createStageStep(
    {
      id: ids.tidy,
      title: 'remove the file that was signed with apart',
      requires,
      look: async ({ stage, files, isSigningApart }) => {
        const path = files.signing;
        if (path === undefined || (await host.stat(path)) === undefined) return { done: 'there is none' };
        if (stage !== 'settled' || isSigningApart) return { waitsFor: requires, reason: `${path} is in use` };
        const changes: readonly Change[] = [
          { kind: 'file.remove', target: path, before: await readBefore(host, path) },
        ];
        return { needed: `${path} is of no use any more`, evidence: [], changes, makeEdits: async () => [] };
      },
      verify: async (state) => {
        const { signing } = state.files;
        const isThere = signing !== undefined && (await host.stat(signing)) !== undefined;
        return isThere ? refuse(`${signing} is still there`, state) : { verified: true, evidence: ['it is gone'] };
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

async function planEdits(edits: readonly TrustEdit[], host: RotationHost): Promise<readonly Change[]> {
  const changes = await Promise.all(edits.map(({ path }) => planFileChange(path, host)));
  return [...new Map(changes.map((change) => [change.target, change])).values()];
}

function toEdit({ path, material }: TrustEdit): Edit {
  return { change: { kind: 'file.replace', target: path }, material };
}

function editOf(path: HostPath, text: string): Edit {
  return toEdit({ path, material: Buffer.from(text, 'latin1') });
}

function vouch(der: Uint8Array, what: string): Verdict {
  // OpenSSL's own opinion of the bytes on the disk.
  const x509 = new X509Certificate(der);
  if (!x509.ca || !x509.verify(x509.publicKey)) {
    return { verified: false, reason: 'the certificate of the new CA does not vouch for itself' };
  }
  return { verified: true, evidence: [`${what} serial ${x509.serialNumber}, valid until ${x509.validTo}`] };
}

function refuse(reason: string, { files }: RotationState): Verdict {
  return { verified: false, reason: `${files.certificate}: ${reason}`, hint: 'look at the file, then run it again' };
}
