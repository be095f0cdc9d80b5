import { type HostPath, parentPath } from '@kube-rescue/host';
import { type Change, describeReplacement, type Finding, sha256, type Step } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';
import { createGateStep } from '../gates/gate-step.ts';
import { ETCD_STEP } from '../step-ids.ts';
import type { SelfHostedOptions } from './options.ts';

const PRIVATE_MODE = 0o600;

interface EtcdFinding extends Finding {
  readonly changes: readonly Change[];
}

/**
 * Replaces the certificate files of an etcd service on this machine, and restarts it. Verified by a connection to etcd.
 */
export function createEtcdStep(
  input: {
    readonly service: string;
    readonly wanted: (signal: AbortSignal) => Promise<ReadonlyMap<HostPath, Uint8Array>>;
  },
  options: SelfHostedOptions,
  node: Node,
): Step<EtcdFinding> {
  const proof = createGateStep(
    {
      ...{ id: ETCD_STEP, title: '', requires: [], timeoutMs: 60_000 },
      observe: async (signal) => {
        const { inspectEtcd } = await import('@kube-rescue/diagnosis');
        const { problem, connection } = await inspectEtcd(node, options.search ?? {}, signal);
        if (connection === null) return { verified: false, reason: problem ?? 'no connection to etcd' };
        return { verified: true, evidence: [`${connection.endpoint} answers; ${connection.etcdctl}`] };
      },
    },
    node,
  );
  const readWanted = async (signal: AbortSignal) => [...(await input.wanted(signal))];
  return {
    id: ETCD_STEP,
    title: 'install the certificates of etcd and restart etcd',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      const files = await readWanted(signal);
      const changes: Change[] = await Promise.all(
        files.map(([target, bytes]) =>
          describeReplacement(node.host, { target, after: sha256(bytes), fallbackMode: PRIVATE_MODE }),
        ),
      );
      if (changes.length === 0) {
        return {
          status: 'ok',
          summary: 'the certificates of etcd are valid, or etcd runs on another machine',
          evidence: [],
          changes,
        };
      }
      const directories = [...new Set(files.map(([path]) => parentPath(path)))].join(', ');
      const restart = { kind: 'service.restart', target: input.service };
      return {
        status: 'needed',
        summary: `etcd needs new certificates in ${directories}`,
        evidence: [],
        restarts: ['etcd'],
        changes: [...changes, restart],
      };
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      const files = new Map<string, Uint8Array>(await readWanted(signal));
      await journal.perform(changes.map((change) => ({ change, material: files.get(change.target) })));
    },
    verify: (signal) => proof.verify(signal),
  };
}
