import { createLocalHost, systemClock } from '@kube-rescue/host';
import {
  type ClusterMachine,
  createSelfHostedCluster,
  KUBERNETES_RELEASES,
  provideKubernetesBinaries,
  type SelfHostedCluster,
  SINGLE_FAULTS,
  type SingleFaultName,
} from '@kube-rescue/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RescueAnswer, runRescue } from '../../apps/drill/src/rescue-command.ts';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { expectNoTraces } from './lab-traces.fixture.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const host = createLocalHost();
const { signal } = new AbortController();
const deps = { host, clock: systemClock, signal };
const DEADLINE_MS = 180_000;
const NAMESPACE = '--namespace=kube-system';

let cluster: SelfHostedCluster;

beforeAll(async () => {
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  cluster = await createSelfHostedCluster({ binaries: directory, ownerPid: process.pid }, deps);
});
afterAll(async () => {
  await cluster.remove();
  await expectNoTraces([cluster.id]);
});

async function rescue(machine: ClusterMachine, ...args: readonly string[]): Promise<RescueAnswer> {
  const lines: string[] = [];
  const answer = await runRescue(machine, args, { host, signal, onLine: (line) => void lines.push(line) });
  expect(answer.exitCode, lines.slice(-30).join('\n')).toBe(0);
  return answer;
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const argv = [...cluster.enter(), 'kubectl', '--kubeconfig', '/etc/kubernetes/kubeconfig', ...args] as const;
  const { exitCode, stdout, stderr } = await host.exec(argv, { timeoutMs: 30_000 });
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  return stdout;
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const start = systemClock.now().getTime();
  while (!(await check())) {
    if (systemClock.now().getTime() - start > DEADLINE_MS) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await systemClock.sleep(1_000);
  }
}

/** Causes the fault, proves it, repairs it, and expects a second attempt to find nothing to do. */
async function repair(
  name: SingleFaultName,
  command: () => Promise<readonly [machine: ClusterMachine, ...args: string[]]>,
): Promise<void> {
  await SINGLE_FAULTS[name].breakCluster(cluster, deps);
  const proofs = await SINGLE_FAULTS[name].proveFault(cluster, deps);
  expect(proofs.filter(({ ok }) => !ok)).toEqual([]);
  const [machine, ...args] = await command();
  expect((await rescue(machine, ...args)).envelope).toMatchObject({ result: { outcome: 'done' } });
  expect((await rescue(machine, ...args)).envelope).toMatchObject({ result: { outcome: 'nothing-to-do' } });
}

/** Waits until the only container of an application is ready. */
async function readyOf(application: string): Promise<string> {
  const path = '--output=jsonpath={.items[*].status.containerStatuses[*].ready}';
  const read = () => kubectl('get', 'pods', NAMESPACE, `--selector=k8s-app=${application}`, path);
  await until(`${application} runs`, async () => (await read()) === 'true');
  return read();
}

// One cluster for all: each fault is fixed before the next, by its own command alone.
describe('a self-hosted cluster with one fault', () => {
  it('that is a lost scheduler gets a rescue pod, then its own pod again', async () => {
    const controller = 'deployment/kube-scheduler';
    await repair('scheduler-gone', async () => [cluster, 'pods', 'rescue', controller, '--node', 'cp1', '--yes']);
    await rescue(cluster, 'pods', 'release', controller, '--yes');
    expect(await readyOf('kube-scheduler')).toBe('true');
  });

  it('that is a lost controller manager gets a rescue pod, then its own pod again', async () => {
    const controller = 'deployment/kube-controller-manager';
    const command = ['pods', 'rescue', controller, '--node', 'cp1', '--yes'];
    await repair('controller-manager-gone', async () => [cluster, ...command]);
    await rescue(cluster, 'pods', 'release', controller, '--yes');
    expect(await readyOf('kube-controller-manager')).toBe('true');
  });

  it('that is lost DNS on a cordoned node gets a rescue pod there, then its own pod after the uncordon', async () => {
    const controller = 'deployment/kube-dns';
    await repair('dns-gone', async () => [cluster, 'pods', 'rescue', controller, '--node', 'cp1', '--yes']);
    await kubectl('uncordon', 'cp1');
    await rescue(cluster, 'pods', 'release', controller, '--yes');
    expect(await readyOf('kube-dns')).toBe('true');
  });

  it('with an expired CA in every service account gets the current CA, and its controller-manager back', async () => {
    await repair('stale-service-account-ca', async () => [cluster, 'recover', '--only', 'objects', '--yes']);
    const controller = 'deployment/kube-controller-manager';
    await rescue(cluster, 'pods', 'rescue', controller, '--node', 'cp1', '--yes');
    await rescue(cluster, 'pods', 'release', controller, '--yes');
    expect(await readyOf('kube-controller-manager')).toBe('true');
  });

  it('with a worker without network files gets them, and the worker becomes Ready', async () => {
    await repair('cni-missing', async () => [cluster.worker, 'cni', 'bootstrap', '--via', 'api', '--yes']);
    const path = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
    const readStatus = () => kubectl('get', 'node', 'node02', path);
    await until('node02 is Ready', async () => (await readStatus()) === 'True');
    expect(await readStatus()).toBe('True');
  });

  it('with an expired client certificate in the checkpoint gets the valid one, in etcd and on disk', async () => {
    const key = 'kube-system/kube-apiserver/etcd-client';
    const set = ['--set', `${key}.crt=@/etc/ssl/etcd/client.crt`, '--set', `${key}.key=@/etc/ssl/etcd/client.key`];
    await repair('stale-checkpoint', async () => [cluster, 'manifests', 'checkpoint', ...set, '--yes']);
    expect(await kubectl('get', '--raw', '/readyz')).toBe('ok');
  });
});
