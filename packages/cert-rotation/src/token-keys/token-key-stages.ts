import type { HostPath } from '@kube-rescue/host';
import type { ComponentFlags } from '@kube-rescue/node-config';
import { readBefore, type Step, type StepId, type Verdict } from '@kube-rescue/workflow';
import {
  encodePem,
  encodePrivateKey,
  generateKey,
  generateKeyLike,
  type NewKeyAlgorithm,
  publicKeyDerOf,
  usualKeyLabel,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { planFileChange } from '../renewal/file-target.ts';
import { createFileStageStep, type RotationFinding, type StageStatus } from '../rotation/rotation-file-step.ts';
import { editOf } from '../rotation/stage-edits.ts';
import { inspectTokenKeys, type TokenKeyHost, type TokenKeyState } from './token-key-state.ts';

/** The stages in order. */
export const TOKEN_KEY_STAGES = ['publish', 'sign', 'drop'] as const;

export type TokenKeyStageName = (typeof TOKEN_KEY_STAGES)[number];

export interface TokenKeyContext {
  /** Called at each check. */
  readonly components: () => Promise<readonly ComponentFlags[]>;
  readonly host: TokenKeyHost;
}

export interface TokenKeyOptions {
  /** Algorithm of the new key. Default: algorithm and size of the old key. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
  /** Whether a rotation may start; otherwise only one that is under way continues. Default: true. */
  readonly mayBegin?: boolean | undefined;
}

const NAME = 'key of service account tokens';

/** The ID of the step that changes the files of a stage. */
export function tokenKeyStepId(stage: TokenKeyStageName): StepId {
  return `${stage}/sa/files`;
}

/**
 * The public keys of a stage, the one of the signing key first: kubeadm takes the first (`app/util/pkiutil/pki_helpers.go`
 * TryLoadPrivatePublicKeyFromDisk). Pure. Existing keys keep their PEM blocks.
 */
function renderVerifyingKeys(
  { verifying, current, next }: Pick<TokenKeyState, 'verifying' | 'current' | 'next'>,
  stage: TokenKeyStageName,
  fresh?: KeyObject,
): string {
  const own = verifying.filter(({ keyId }) => keyId === current.keyId).slice(0, 1);
  const others = verifying.filter(({ keyId }) => keyId !== current.keyId);
  if (stage === 'drop') return join(own);
  if (stage === 'publish') return join([...own, ...others]) + (fresh === undefined ? '' : renderPublicKey(fresh));
  const first = others.filter(({ keyId }) => keyId === next?.keyId).slice(0, 1);
  return join([...first, ...own, ...others.filter(({ keyId }) => keyId !== next?.keyId)]);
}

/** The public half in the form in which kubeadm writes it (`app/util/pkiutil/pki_helpers.go` EncodePublicKeyPEM). */
function renderPublicKey(key: KeyObject): string {
  return encodePem('PUBLIC KEY', publicKeyDerOf(key));
}

function join(keys: readonly { readonly pem: string }[]): string {
  return keys.map(({ pem }) => pem).join('');
}

/** Makes a new key and publishes it: its public half verifies beside the old one, which still signs. */
export function createPublishStep(options: TokenKeyOptions, context: TokenKeyContext): Step<RotationFinding> {
  const { host } = context;
  const { keyAlgorithm, mayBegin = true } = options;
  return createStep(
    'publish',
    'publish a new key of service account tokens beside the old one',
    {
      requires: [],
      inspect: async (state) => {
        const { stage, files, current } = state;
        if (stage === 'publish') return { done: 'the new key is published already' };
        if (stage === 'sign') return { done: 'the new key signs already' };
        if (!mayBegin) return { done: 'no rotation is under way' };
        const make = (path: HostPath) => planFileChange(path, host);
        return {
          needed: `the ${NAME} needs a new one that verifies beside it`,
          evidence: [`the key that signs is ${current.keyId}`, `the new key waits in ${files.next}`],
          changes: [await make(files.next), await make(files.verifying)],
          makeEdits: async () => {
            const key =
              keyAlgorithm === undefined
                ? await generateKeyLike(current.key, files.signing)
                : await generateKey(keyAlgorithm);
            return [
              editOf(files.next, encodePrivateKey(key, usualKeyLabel(key))),
              {
                ...editOf(files.verifying, renderVerifyingKeys(state, 'publish', key)),
                change: await make(files.verifying),
              },
            ];
          },
        };
      },
      verify: ({ stage, next, files }) =>
        stage === 'publish' && next !== undefined
          ? verified(`${files.verifying} holds the new key ${next.keyId}`)
          : refuse(files.verifying, 'it does not hold a new key'),
    },
    context,
  );
}

/** Makes the new key sign; the old one still verifies. The old private key stays in the backup of the run only. */
export function createSignStep(
  context: TokenKeyContext,
  { mayBegin = true }: Pick<TokenKeyOptions, 'mayBegin'> = {},
): Step<RotationFinding> {
  const { host } = context;
  return createStep(
    'sign',
    'sign service account tokens with the new key',
    {
      requires: [tokenKeyStepId('publish')],
      inspect: async (state) => {
        const { stage, next, files } = state;
        if (stage === 'sign') return { done: 'the new key signs already' };
        if (stage === 'settled' && !mayBegin) return { done: 'no rotation is under way' };
        if (next === undefined)
          return { waitsFor: [tokenKeyStepId('publish')], reason: 'there is no new key to sign with' };
        const make = (path: HostPath) => planFileChange(path, host);
        return {
          needed: `the new key ${next.keyId} must sign`,
          evidence: ['the old private key stays only in the backup of this run'],
          changes: [
            await make(files.verifying),
            await make(files.signing),
            { kind: 'file.remove', target: files.next, before: await readBefore(host, files.next) },
          ],
          makeEdits: async () => [
            { ...editOf(files.verifying, renderVerifyingKeys(state, 'sign')), change: await make(files.verifying) },
            { change: await make(files.signing), material: (await host.readFile(files.next)) ?? new Uint8Array() },
          ],
        };
      },
      verify: async ({ stage, current, files }) =>
        stage === 'sign' && (await host.stat(files.next)) === undefined
          ? verified(`${files.signing} is the new key ${current.keyId}`)
          : refuse(files.signing, 'the new key does not sign'),
    },
    context,
  );
}

/** Removes every former key from the keys that verify. */
export function createDropKeyStep(
  { requires }: { readonly requires: readonly StepId[] },
  context: TokenKeyContext,
): Step<RotationFinding> {
  return createStep(
    'drop',
    'remove the old key of service account tokens',
    {
      requires,
      inspect: async (state) => {
        const { stage, files, former } = state;
        if (stage === 'publish') return { waitsFor: [tokenKeyStepId('sign')], reason: 'the old key still signs' };
        if (stage === 'settled') return { done: 'one key verifies tokens' };
        return {
          needed: `the API server still accepts tokens of ${former.map(({ keyId }) => keyId).join(', ')}`,
          evidence: former.map(({ keyId }) => `${keyId} is removed from ${files.verifying}`),
          changes: [await planFileChange(files.verifying, context.host)],
          makeEdits: async () => [
            {
              ...editOf(files.verifying, renderVerifyingKeys(state, 'drop')),
              change: await planFileChange(files.verifying, context.host),
            },
          ],
        };
      },
      verify: ({ stage, current, files }) =>
        stage === 'settled'
          ? verified(`${files.verifying} holds the key ${current.keyId} alone`)
          : refuse(files.verifying, 'the old key still verifies'),
    },
    context,
  );
}

interface StageInput {
  readonly requires: readonly StepId[];
  readonly inspect: (state: TokenKeyState) => Promise<StageStatus>;
  readonly verify: (state: TokenKeyState) => Verdict | Promise<Verdict>;
}

function createStep(
  stage: TokenKeyStageName,
  title: string,
  { requires, inspect, verify }: StageInput,
  { components, host }: TokenKeyContext,
): Step<RotationFinding> {
  return createFileStageStep(
    {
      id: tokenKeyStepId(stage),
      title,
      requires,
      observe: async () => inspectTokenKeys(await components(), { host }),
      inspect,
      verify: async (state) => verify(state),
      nameOf: () => NAME,
      subjectOf: ({ files }) => files.verifying,
    },
    { host },
  );
}

function verified(evidence: string): Verdict {
  return { verified: true, evidence: [evidence] };
}

function refuse(path: HostPath, reason: string): Verdict {
  return { verified: false, reason: `${path}: ${reason}`, hint: 'inspect the file, then run the stage again' };
}
