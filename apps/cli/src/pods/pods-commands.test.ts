import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdNode, startEtcdNode } from '../etcd/etcd-node.fixture.ts';

interface Answer {
  readonly exitCode: number | null;
  readonly envelope: { readonly result?: Record<string, unknown>; readonly error?: Record<string, unknown> };
}

const CONTAINER = { name: 'kube-scheduler', image: 'scheduler', command: ['kube-scheduler', '--leader-elect=true'] };

let node: EtcdNode;

async function pods(...args: readonly string[]): Promise<Answer> {
  const { exitCode, stdout } = await node.run('pods', ...args, '--json');
  return { exitCode, envelope: JSON.parse(stdout) as Answer['envelope'] };
}

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0)('control-plane pods of a cluster without an API server', () => {
  beforeAll(async () => {
    node = await startEtcdNode();
    const labels = { 'k8s-app': 'kube-scheduler' };
    await node.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'kube-scheduler', namespace: 'kube-system', labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [CONTAINER] } },
      },
    });
  });
  afterAll(() => node?.remove());

  it('are listed from etcd, with exit 3 when some are missing', async () => {
    const { exitCode, envelope } = await pods('list');
    expect(exitCode).toBe(3);
    expect(envelope.result).toMatchObject({
      missing: ['kube-controller-manager', 'kube-proxy', 'cluster-dns', 'kube-scheduler'],
    });
    expect(envelope.result?.['pods']).toContainEqual(
      expect.objectContaining({
        component: 'kube-scheduler',
        controller: 'Deployment kube-system/kube-scheduler',
        reason: 'it has no pod',
        hint: 'run one: `kube-rescue pods rescue Deployment/kube-scheduler --node NODE`',
      }),
    );
  });

  it('are shown in a table with the next step', async () => {
    const { stdout } = await node.run('pods', 'list');
    expect(stdout).toContain('missing');
    expect(stdout).toContain('no working pod: kube-controller-manager, kube-proxy, cluster-dns, kube-scheduler');
  });

  it('are not rescued while the API server is down, and nothing is changed', async () => {
    const dryRun = await pods('rescue', 'deploy/kube-scheduler', '--node', 'cp1', '--dry-run');
    expect(dryRun.exitCode).toBe(3);
    const { exitCode, envelope } = await pods('rescue', 'deploy/kube-scheduler', '--node', 'cp1', '--yes');
    expect(exitCode).toBe(4);
    expect(envelope.error).toMatchObject({ code: 'WORKFLOW_BLOCKED' });
  });

  it.each([
    ['USAGE', ['rescue', 'kube-scheduler', '--node', 'cp1']],
    ['POD_CONTROLLER_UNSUPPORTED', ['rescue', 'job/kube-scheduler', '--node', 'cp1']],
    ['USAGE', ['rescue', 'deployment/kube-scheduler']],
    ['USAGE', ['release', 'ds/kube-proxy']],
    ['USAGE', ['rescue', 'deploy/kube-scheduler', '--node', 'cp1', '--wait', '0']],
  ])('are refused with an invalid name: %s %j', async (code, args) => {
    const { exitCode, envelope } = await pods(...args);
    expect({ exitCode, code: envelope.error?.['code'] }).toEqual({ exitCode: 2, code });
  });
});
