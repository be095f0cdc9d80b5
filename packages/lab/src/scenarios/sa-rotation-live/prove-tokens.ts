import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { POLLER, readPollerLog } from '../ca-rotation-live/polling-pod.ts';
import {
  createTokenSecret,
  isAccepted,
  keyIdOf,
  readSigningKeyId,
  readTokenSecret,
  requestToken,
  startPoller,
  TOKEN_SECRET,
  type TokenWitnesses,
} from './token-witnesses.ts';

export type TokenStage = 'publish' | 'sign' | 'drop';

const DEADLINE_MS = 120_000;
const UNAUTHORIZED = /unauthorized|must be logged in|provide credentials/i;

/** Proves the state of the tokens after a stage, by kubectl and openssl. */
export function proveTokens(
  cluster: Cluster,
  stage: TokenStage,
  witnesses: TokenWitnesses,
  deps: LabDeps,
): Promise<readonly Proof[]> {
  return inOrder([
    () => proveKeySet(cluster, stage, witnesses, deps),
    () => proveNewTokens(cluster, stage, witnesses, deps),
    () => proveOldTokens(cluster, stage, witnesses, deps),
    () => provePoller(cluster, deps),
  ]);
}

async function inOrder(proofs: readonly (() => Promise<Proof>)[]): Promise<readonly Proof[]> {
  const made: Proof[] = [];
  for (const each of proofs) made.push(await each());
  return made;
}

function proveKeySet(cluster: Cluster, stage: TokenStage, { keyId }: TokenWitnesses, deps: LabDeps): Promise<Proof> {
  const name =
    stage === 'drop' ? '/openid/v1/jwks has the new key alone' : '/openid/v1/jwks has the old key and a new one';
  return prove(name, async () => {
    const { stdout } = await runOnNode(cluster, ['kubectl', 'get', '--raw', '/openid/v1/jwks'], deps);
    const { keys } = JSON.parse(stdout) as { readonly keys: readonly { readonly kid: string }[] };
    const kids = keys.map(({ kid }) => kid);
    const signing = await readSigningKeyId(cluster, deps);
    const ok = kids.length === (stage === 'drop' ? 1 : 2) && kids.includes(keyId) === (stage !== 'drop');
    return { ok: ok && kids.includes(signing), detail: kids.join(' ') };
  });
}

function proveNewTokens(cluster: Cluster, stage: TokenStage, { keyId }: TokenWitnesses, deps: LabDeps): Promise<Proof> {
  const name = `new tokens, requested and of Secrets, are of the ${stage === 'publish' ? 'old' : 'new'} key, and accepted`;
  return prove(name, async () => {
    const signing = await readSigningKeyId(cluster, deps);
    const secret = `new-token-${stage}-${deps.clock.now().getTime()}`;
    const tokens = [await requestToken(cluster, deps), await createTokenSecret(cluster, secret, deps)];
    const kids = tokens.map(keyIdOf);
    const accepted = await Promise.all(tokens.map((token) => isAccepted(cluster, token, deps)));
    const ok = kids.every((kid) => kid === signing) && (signing === keyId) === (stage === 'publish');
    await runOnNode(cluster, ['kubectl', 'delete', 'secret', secret], deps);
    return { ok: ok && accepted.every(Boolean), detail: `${kids.join(' ')}; accepted: ${accepted.join(' ')}` };
  });
}

function proveOldTokens(cluster: Cluster, stage: TokenStage, old: TokenWitnesses, deps: LabDeps): Promise<Proof> {
  const isOver = stage === 'drop';
  const name = isOver
    ? 'the tokens of before are refused, and the Secret has one of the new key'
    : 'the tokens of before are accepted';
  return prove(name, async () => {
    const before = await Promise.all([old.requested, old.ofSecret].map((token) => isAccepted(cluster, token, deps)));
    const present = await readTokenSecret(cluster, TOKEN_SECRET, deps);
    const isPresentAccepted = await isAccepted(cluster, present, deps);
    const isOfNew = keyIdOf(present) !== old.keyId;
    const ok = before.every((each) => each !== isOver) && isPresentAccepted && isOfNew === isOver;
    return { ok, detail: `accepted: ${before.join(' ')}; the Secret has ${keyIdOf(present)}, ${isPresentAccepted}` };
  });
}

/** The pod reads its token for each request; without an API server it fails, but is never refused. */
function provePoller(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('the pod was refused in no request with its mounted token, and goes on', async () => {
    const start = deps.clock.now();
    const { requests, failures } = await waitFor(deps, {
      subject: `pod/${POLLER}`,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const status = await readPollerLog(cluster, deps);
        if ('waitingFor' in status) return status;
        const { stdout } = await execOnNode(cluster, ['kubectl', 'logs', POLLER, '--tail', '1'], deps);
        const [seconds, result] = stdout.trim().split(' ');
        const isFresh = Number(seconds) * 1000 >= start.getTime() && result === 'ok';
        return isFresh ? status : { waitingFor: `the pod's last request: ${stdout.trim()}` };
      },
    });
    const refused = failures.filter(({ reason }) => UNAUTHORIZED.test(reason));
    const last = refused[0] === undefined ? '' : `: ${refused[0].reason}`;
    return { ok: refused.length === 0, detail: `${requests} requests, ${refused.length} refused${last}` };
  });
}

interface PodDocument {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly ownerReferences?: unknown };
  readonly spec: { readonly volumes?: readonly { readonly projected?: { readonly sources?: readonly object[] } }[] };
}

/** Deletes every pod with a mounted token, and waits until its controller, or the polling pod's start, has replaced it. */
export async function recreateTokenPods(cluster: Cluster, deps: LabDeps): Promise<void> {
  const { stdout } = await runOnNode(cluster, ['kubectl', 'get', 'pods', '--all-namespaces', '--output', 'json'], deps);
  const { items } = JSON.parse(stdout) as { readonly items: readonly PodDocument[] };
  const mounting = items.filter(({ spec }) =>
    (spec.volumes ?? []).some(({ projected }) =>
      (projected?.sources ?? []).some((source) => 'serviceAccountToken' in source),
    ),
  );
  for (const { metadata } of mounting) {
    const { name, namespace } = metadata;
    await runOnNode(cluster, ['kubectl', 'delete', 'pod', name, '--namespace', namespace], deps, {
      timeoutMs: DEADLINE_MS,
    });
  }
  await startPoller(cluster, deps);
  await waitFor(deps, {
    subject: 'pods',
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const unready = [
        'kubectl',
        'get',
        'pods',
        '--all-namespaces',
        '--field-selector',
        'status.phase!=Running',
      ] as const;
      const answer = await execOnNode(cluster, [...unready, '--output', 'name'], deps);
      return answer.exitCode === 0 && answer.stdout.trim() === ''
        ? { value: undefined }
        : { waitingFor: `not running: ${answer.stdout.trim()}` };
    },
  });
}
