import {
  type ObjectAccess,
  RESOURCE_KINDS,
  replaceEdit,
  type StoredObject,
  withObjectData,
} from '@kube-rescue/cluster-objects';
import { type Change, type Edit, type Finding, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import { signTokenAgain } from './service-account-token.ts';
import { findTokenSecret, type TokenSecret } from './token-holders.ts';
import { inspectTokenKeys, type TokenKeyState } from './token-key-state.ts';
import type { TokenKeyContext } from './token-key-stages.ts';

interface TokenSecretFinding extends Finding {
  readonly changes: readonly Change[];
}

interface Found {
  readonly read: StoredObject;
  readonly secret: TokenSecret;
}

const LINES = 20;

interface TokenSecretInput {
  readonly id: StepId;
  readonly requires: readonly StepId[];
}

/**
 * Signs the tokens of Secrets again that a former key signed, each by compare-and-swap, with the same claims: the Secret holds a
 * valid token at every moment. kube-controller-manager would only write a token into a Secret that has none (Kubernetes
 * `pkg/controller/serviceaccount/tokens_controller.go`).
 *
 * From that moment the API server refuses copies of the old token, because it compares a token with that of its Secret (Kubernetes
 * `pkg/serviceaccount/legacy.go`): those of pods until their kubelet has synced the volume, those elsewhere for good.
 */
export function createTokenSecretStep(
  { id, requires }: TokenSecretInput,
  context: TokenKeyContext,
  objects: ObjectAccess,
): Step<TokenSecretFinding> {
  const find = async (
    signal: AbortSignal,
  ): Promise<{ readonly state: TokenKeyState; readonly found: readonly Found[] }> => {
    const state = await inspectTokenKeys(await context.components(), context);
    if (state.stage !== 'sign') return { state, found: [] };
    const found: Found[] = [];
    for await (const read of (await objects.open(signal)).list(RESOURCE_KINDS.Secret, { signal })) {
      const secret = findTokenSecret(read.object, state.former);
      if (secret !== undefined) found.push({ read, secret });
    }
    return { state, found };
  };
  const toEdit = ({ read, secret }: Found, { current }: TokenKeyState): Edit => {
    const token = Buffer.from(signTokenAgain(secret.token, current.key));
    const next = withObjectData(read.object, new Map([['token', token]]));
    return replaceEdit(objects.source, read, next, ['data.token signed by the current key']);
  };
  return {
    id,
    title: 'sign the tokens of Secrets with the new key',
    requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const { state, found } = await find(signal);
        if (found.length === 0)
          return { status: 'ok', summary: 'no Secret has a token of the old key', evidence: [], changes: [] };
        return {
          status: 'needed',
          summary: `${found.length} ${found.length === 1 ? 'Secret has a token' : 'Secrets have tokens'} of the old key; copies of them are refused from then on`,
          evidence: describeTokenSecrets(found.map(({ secret }) => secret)),
          changes: found.map((each) => toEdit(each, state).change),
        };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      const { state, found } = await find(signal);
      // A Secret that was written since the plan is not signed by this run: the verification names it.
      const edits = found.map((each) => toEdit(each, state));
      await journal.perform(edits.filter(({ change }) => changes.some(({ target }) => target === change.target)));
    },
    verify: async (signal) => {
      const { found } = await find(signal);
      if (found.length === 0) return { verified: true, evidence: ['no Secret has a token of the old key'] };
      const names = describeTokenSecrets(found.map(({ secret }) => secret)).join(', ');
      return { verified: false, reason: `tokens of the old key are in ${names}`, hint: 'run the stage again' };
    },
  };
}

/** A line for each Secret, at most 20. */
export function describeTokenSecrets(secrets: readonly TokenSecret[]): readonly string[] {
  const lines = secrets.map(
    ({ namespace, name, serviceAccount }) => `Secret ${namespace}/${name} of service account ${serviceAccount}`,
  );
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES), `and ${lines.length - LINES} more`];
}
