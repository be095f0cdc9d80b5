import { isTokenOf, readToken, type TokenKeyStageName } from '@kube-rescue/cert-rotation/token-keys';
import { listAt, textAt } from '@kube-rescue/cluster-objects';
import type { TokenApi } from '@kube-rescue/cluster-objects/api';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Node } from '@kube-rescue/node';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { createGateStep } from '../gates/gate-step.ts';
import { notYet } from '../gates/gates.ts';
import { audiencesOf, isForApiServer, listMountedTokens } from './mounted-tokens.ts';
import { inspectTokenKeysOfNode } from './token-rotation-input.ts';

const TIMEOUT_MS = 120_000;
const KEYS = '/openid/v1/jwks';
/** A service account of every cluster that has no permissions of its own. */
const PROBE_ACCOUNT = { namespace: 'kube-node-lease', name: 'default' } as const;
/** Of the mounted tokens: a review of each on a full node would take longer than it proves. */
const MOST_REVIEWS = 20;

interface GateIds {
  readonly id: StepId;
  readonly requires: readonly StepId[];
}

/**
 * Verifies that the API server verifies tokens by the keys of its file and by no other: it publishes them from memory in
 * `/openid/v1/jwks`, from the same list (Kubernetes `pkg/serviceaccount/openidmetadata.go`).
 */
export function createKeySetGate({ id, requires }: GateIds, node: Node): Step {
  return createGateStep(
    {
      id,
      title: 'verify the keys by which the API server verifies tokens',
      requires,
      timeoutMs: TIMEOUT_MS,
      observe: async (signal) => {
        const { state } = await inspectTokenKeysOfNode(node);
        const reading = await node.api.read(KEYS, signal);
        if (reading.state === 'unanswered') return notYet(`the API server does not answer: ${reading.reason}`);
        if (reading.status !== 200) return notYet(`the API server answers ${reading.status} when asked for ${KEYS}`);
        const published = listAt(reading.object, 'keys').flatMap((key) => textAt(key, 'kid') ?? []);
        const wanted = state.verifying.map(({ keyId }) => keyId);
        const missing = wanted.filter((each) => !published.includes(each));
        const foreign = published.filter((each) => !wanted.includes(each));
        if (missing.length > 0) return notYet(`the API server does not verify by ${missing.join(', ')} yet`);
        if (foreign.length > 0) return notYet(`the API server still verifies by ${foreign.join(', ')}`);
        return { verified: true, evidence: [`${KEYS} has ${wanted.join(' and ')}, and no other key`] };
      },
    },
    node,
  );
}

/**
 * Verifies that a token which the API server issues now is signed by the key in its file, and that it accepts that token and the
 * tokens that the kubelet has mounted into the pods of this node.
 */
export function createTokenGate(stage: TokenKeyStageName, { id, requires }: GateIds, node: Node): Step {
  return createGateStep(
    {
      id,
      title: 'verify that new tokens are of the key that signs, and that tokens of running pods are accepted',
      requires,
      timeoutMs: TIMEOUT_MS,
      observe: async (signal) => {
        try {
          const tokens = await node.openTokens();
          try {
            return await observeTokens(stage, tokens, node, signal);
          } finally {
            await tokens.close();
          }
        } catch (error) {
          signal.throwIfAborted();
          if (!isRecoveryError(error)) throw error;
          return notYet(error.message);
        }
      },
    },
    node,
  );
}

async function observeTokens(
  stage: TokenKeyStageName,
  tokens: TokenApi,
  node: Node,
  signal: AbortSignal,
): Promise<Verdict> {
  const { state } = await inspectTokenKeysOfNode(node);
  const { current } = state;
  const token = readToken(await tokens.issue(PROBE_ACCOUNT, signal));
  if (token === undefined || !isTokenOf(token, current.key)) {
    return notYet(`the API server signs tokens with ${token?.keyId ?? 'another key'}, not with ${current.keyId}`);
  }
  if (!(await tokens.isAccepted(token.text, signal)))
    return notYet('the API server refuses a token that it has issued');
  const audiences = audiencesOf(token.claims['aud']);
  const now = node.clock.now();
  const mounted = (await listMountedTokens(node.host)).filter(
    (each) =>
      isForApiServer(each.token, audiences) && (each.token.expiresAt === undefined || each.token.expiresAt > now),
  );
  // Tokens of a dropped key are refused, which is the aim of that stage.
  const due = mounted.filter(({ token: each }) => stage !== 'drop' || isTokenOf(each, current.key));
  const reviewed = due.slice(0, MOST_REVIEWS);
  for (const each of reviewed) {
    if (!(await tokens.isAccepted(each.token.text, signal)))
      return notYet(`the API server refuses the mounted token of the pod ${each.podUid} (volume ${each.volume})`);
  }
  const ofOld = reviewed.filter((each) => !isTokenOf(each.token, current.key)).length;
  return {
    verified: true,
    evidence: [
      `a new token is of the key ${current.keyId}, and accepted`,
      `${reviewed.length} of ${due.length} mounted tokens on this node were reviewed and are accepted, ${ofOld} of them of another key`,
    ],
  };
}
