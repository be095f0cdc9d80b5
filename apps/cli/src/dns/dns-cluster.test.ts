import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DnsWorld, NAME, startDnsWorld } from '../../../../packages/ingress-dns/src/dns-world.fixture.ts';
import { deployment, secret } from '../../../../packages/ingress-dns/src/memory-objects.fixture.ts';
import { BIN, type Ended } from '../cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from '../etcd/etcd-node.fixture.ts';

const OLD_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const NAMESPACE = 'kube-system';

let world: DnsWorld;
let node: EtcdNode;
const outputs: Ended[] = [];

async function run(...words: readonly string[]): Promise<Ended> {
  const { aws, port } = world;
  const resolver = `${aws.resolver.address}:${aws.resolver.port}`;
  const dns = ['--resolver', resolver, '--dns-port', `${aws.dnsPort}`, '--scheme', 'http', '--port', `${port}`];
  const env = { ...process.env, HOME: '/nonexistent', AWS_ENDPOINT_URL: aws.endpoint };
  const ended = await node.exec([process.execPath, BIN, 'dns', ...words, ...dns, '--json'], { env });
  outputs.push(ended);
  return ended;
}

async function secretText(key: string): Promise<string> {
  const { stdout } = await node.run('etcd', 'get', 'secret', 'aws', '-n', NAMESPACE, '--show-secrets', '--json');
  return Buffer.from(JSON.parse(stdout).result.object.data[key], 'base64').toString();
}

// The node needs namespaces, which need root.
const canRun = process.getuid?.() === 0 && requireProgram('knotd', 'etcd', 'etcdctl');

describe.runIf(canRun)('on a node without an API server', () => {
  beforeAll(async () => {
    [world, node] = await Promise.all([startDnsWorld(), startEtcdNode()]);
    const ref = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: 'aws', key } } });
    const service: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        namespace: NAMESPACE,
        name: 'web',
        annotations: { 'external-dns.alpha.kubernetes.io/hostname': NAME },
      },
      spec: { type: 'LoadBalancer' },
      status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } },
    };
    await node.create(secret(NAMESPACE, 'aws', { id: world.key.accessKeyId, secret: OLD_SECRET }));
    await node.etcd.etcdctl('put', `/registry/services/specs/${NAMESPACE}/web`, JSON.stringify(service));
    await node.create(
      deployment(NAMESPACE, 'external-dns', {
        image: 'external-dns',
        args: [`--zone-id-filter=${world.zone.id}`],
        env: [ref('AWS_ACCESS_KEY_ID', 'id'), ref('AWS_SECRET_ACCESS_KEY', 'secret')],
      }),
    );
  }, 60_000);
  afterAll(() => Promise.all([world.stop(), node.remove()]));

  it('the credentials and names of the cluster are checked', async () => {
    const { exitCode, stdout } = await run('check');
    expect(exitCode).toBe(3);
    const { result } = JSON.parse(stdout);
    expect(result.causes.map((each: { code: string }) => each.code)).toEqual(['DNS_SECRET_WRONG']);
    expect(result.conditions[0].subject).toBe(
      `Secret ${NAMESPACE}/aws, keys id and secret (Deployment ${NAMESPACE}/external-dns)`,
    );
    expect(result.conditions.at(-1)).toMatchObject({ id: 'endpoint', subject: NAME, status: 'ok' });
  });

  it('new keys are checked for the zone that the workload names by id', async () => {
    const file = path.join(node.root, 'keys.json');
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = world.key;
    await writeFile(file, JSON.stringify({ AccessKeyId, SecretAccessKey }));
    const { exitCode, stdout } = await run('check', '--aws-credentials', file);
    const zone = JSON.parse(stdout).result.conditions.find(({ id }: { id: string }) => id === 'zone');
    expect([exitCode, zone.evidence]).toEqual([0, [`hosted zone ${world.zone.id}, named by --zone-id-filter`]]);
  });

  it('new keys are validated, written, and rolled back', async () => {
    const file = path.join(node.root, 'keys.json');
    const give = (keys: object): Promise<void> => writeFile(file, JSON.stringify(keys));
    const words = ['set-credentials', '--aws-credentials', file, '--wait', '10'];
    await give({ AccessKeyId: world.key.accessKeyId, SecretAccessKey: 'x'.repeat(40) });
    const refused = await run(...words, '--yes');
    expect([refused.exitCode, JSON.parse(refused.stdout).error.code]).toEqual([4, 'WORKFLOW_BLOCKED']);
    expect(await secretText('secret')).toBe(OLD_SECRET);

    await give({ AccessKeyId: world.key.accessKeyId, SecretAccessKey: world.key.secretAccessKey });
    expect((await run(...words, '--dry-run')).exitCode).toBe(3);
    expect(await secretText('secret')).toBe(OLD_SECRET);
    const done = await run(...words, '--yes');
    expect([done.exitCode, done.stderr.includes('error')]).toEqual([0, false]);
    expect(await secretText('secret')).toBe(world.key.secretAccessKey);
    expect((await run('check')).exitCode).toBe(0);
    expect(JSON.parse((await run(...words, '--yes')).stdout).result.outcome).toBe('nothing-to-do');

    const { runId } = JSON.parse(done.stdout).result;
    const journal = path.join(node.root, 'var/lib/kube-rescue/runs', runId, 'journal.jsonl');
    outputs.push({ exitCode: 0, stdout: await readFile(journal, 'utf8'), stderr: '' });
    outputs.push(await node.run('rollback', runId, '--yes'));
    expect(await secretText('secret')).toBe(OLD_SECRET);
  });

  it('no key is in any output or journal', () => {
    expect(outputs.length).toBeGreaterThan(5);
    const text = outputs.map(({ stdout, stderr }) => stdout + stderr).join('');
    for (const value of [OLD_SECRET, world.key.secretAccessKey, world.key.accessKeyId]) {
      expect(text).not.toContain(value);
      expect(text).not.toContain(Buffer.from(value).toString('base64'));
    }
  });
});
