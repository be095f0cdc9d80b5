import {
  describeTokenSecrets,
  findTokenCopies,
  findTokenPods,
  findTokenSecret,
  isTokenOf,
  readReadyNodes,
  type TokenHolder,
  type TokenSecret,
} from '@kube-rescue/cert-rotation/token-keys';
import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { formatTime } from '@kube-rescue/errors';
import type { Node } from '@kube-rescue/node';
import { type Finding, type Step, toErrorFinding } from '@kube-rescue/workflow';
import { accessObjects } from '../rotation/rotation-input.ts';
import { listMountedTokens } from './mounted-tokens.ts';
import { findSigningStart } from './signing-start.ts';
import { inspectTokenKeysOfNode, type TokenRotationInput } from './token-rotation-input.ts';

const TOKEN_HOLDERS = 'drop/sa/holders';
const LINES = 20;
const OLD_TOKENS =
  'tokens that were requested before the new key signed may still be valid elsewhere, for up to a year (made by kubectl create token, or in the memory of clients that read theirs once); the API server refuses them from now on';

interface Holders {
  readonly secrets: readonly TokenSecret[];
  readonly others: readonly TokenHolder[];
}

/**
 * Blocks the drop of the old key while tokens of it may be in use: in Secrets, in their copies, in pods. Changes nothing.
 *
 * Does not find tokens outside of the cluster, nor in the memory of a process: a warning names them.
 */
export function createTokenHoldersStep(input: TokenRotationInput, node: Node): Step {
  return {
    id: TOKEN_HOLDERS,
    title: 'verify that nothing needs the old key any more',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      try {
        return await judge(input, node, signal);
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: () => [],
    apply: () => Promise.resolve(),
    verify: () => Promise.resolve({ verified: true, evidence: [] }),
  };
}

async function judge(input: TokenRotationInput, node: Node, signal: AbortSignal): Promise<Finding> {
  const { state } = await inspectTokenKeysOfNode(node);
  if (state.stage === 'settled') return { status: 'ok', summary: 'one key verifies tokens', evidence: [] };
  const subject = state.files.verifying;
  const signedSince = await findSigningStart(node);
  if (signedSince === undefined) {
    return {
      status: 'blocked',
      summary: 'it is not known since when the new key signs: kube-apiserver does not run with the current key file',
      evidence: [],
      code: 'PKI_ROTATION_STAGE',
      subject,
      hint: 'restart it: `kube-rescue manifests restart kube-apiserver`',
    };
  }
  const { secrets, others } = await findHolders(signedSince, node, signal);
  const isSigned = input.resignSecrets === true;
  const blocking = [
    ...(isSigned ? [] : describeTokenSecrets(secrets).map((line) => `${line} has a token of the old key`)),
    ...others.map(describeHolder),
  ];
  const evidence = [`the new key signs since ${formatTime(signedSince)}`, ...shorten(blocking)];
  if (blocking.length === 0)
    return { status: 'ok', summary: 'no token of the old key was found', evidence, warnings: [OLD_TOKENS] };
  if (input.revokeTokens === true) {
    const warnings = [
      `holders of tokens of the old key are refused from now on: ${shorten(blocking).join('; ')}`,
      OLD_TOKENS,
    ];
    return { status: 'ok', summary: 'the operator revokes the tokens of the old key', evidence, warnings };
  }
  const last = others.flatMap(({ until }) => until ?? []).toSorted((a, b) => b.getTime() - a.getTime())[0];
  return {
    status: 'blocked',
    summary: `tokens of the old key may be in use: ${shorten(blocking).join('; ')}`,
    evidence,
    code: 'PKI_TOKEN_KEY_IN_USE',
    subject,
    hint: hintFor({ secrets: isSigned ? [] : secrets, others }, last),
  };
}

function hintFor({ secrets, others }: Holders, last: Date | undefined): string {
  const tasks = [
    ...(last === undefined ? [] : [`wait until ${formatTime(last)}, or recreate those pods`]),
    ...(others.some(({ until }) => until === undefined) ? ['replace the tokens that do not end by themselves'] : []),
    ...(secrets.length === 0 ? [] : ['pass --resign-secrets (copies of these tokens are refused at once)']),
  ];
  return `${tasks.join('; ')}; or pass --revoke-tokens, and their holders are refused`;
}

async function findHolders(signedSince: Date, node: Node, signal: AbortSignal): Promise<Holders> {
  const { state } = await inspectTokenKeysOfNode(node);
  const now = node.clock.now();
  const secrets: TokenSecret[] = [];
  const copies: TokenHolder[] = [];
  const store = await accessObjects(node).open(signal);
  for await (const { object } of store.list(RESOURCE_KINDS.Secret, { signal })) {
    const secret = findTokenSecret(object, state.former);
    if (secret !== undefined) secrets.push(secret);
    copies.push(...findTokenCopies(object, state.former, now));
  }
  const nodes: unknown[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.Node, { signal })) nodes.push(object);
  const pods: unknown[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.Pod, { signal })) pods.push(object);
  const due = findTokenPods(pods, { signedSince, now, nodes: readReadyNodes(nodes) });
  return { secrets, others: [...copies, ...due, ...(await findMounted(pods, due, node))] };
}

/** Tokens of the old key that are mounted on this node although their time is over: their kubelet has not replaced them. */
async function findMounted(
  pods: readonly unknown[],
  due: readonly TokenHolder[],
  node: Node,
): Promise<readonly TokenHolder[]> {
  const { state } = await inspectTokenKeysOfNode(node);
  const names = new Map(
    pods.map((pod) => {
      const { uid, namespace, name } = (pod as { readonly metadata: Readonly<Record<string, string>> }).metadata;
      return [uid, `Pod ${namespace}/${name}`];
    }),
  );
  return (await listMountedTokens(node.host)).flatMap(({ podUid, token, volume }): readonly TokenHolder[] => {
    const location = names.get(podUid);
    // The volume of a deleted pod is about to be removed.
    if (location === undefined || due.some((each) => each.location === location)) return [];
    if (!state.former.some(({ key }) => isTokenOf(token, key))) return [];
    return [{ location, reason: `its volume ${volume} has a token of the old key`, until: undefined }];
  });
}

function describeHolder({ location, reason, until }: TokenHolder): string {
  return `${location}: ${reason}${until === undefined ? '' : `, until ${formatTime(until)}`}`;
}

function shorten(lines: readonly string[]): readonly string[] {
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES), `and ${lines.length - LINES} more`];
}
