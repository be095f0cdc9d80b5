import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { expectCode, requireProgram } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DnsWorld, NAME, startDnsWorld } from '../dns-world.fixture.ts';
import { createMemoryObjects, deployment, secret } from '../memory-objects.fixture.ts';
import { checkClusterDns } from './cluster-dns.ts';

let world: DnsWorld;

const INGRESS: KubernetesObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { rules: [{ host: NAME }] },
  status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } },
};

function check(objects: readonly KubernetesObject[]) {
  const { aws, port } = world;
  return checkClusterDns(
    {
      awsClient: { endpoints: { sts: aws.endpoint, route53: aws.endpoint } },
      dns: { resolvers: [aws.resolver], port: aws.dnsPort },
      endpoint: { scheme: 'http', port },
    },
    { objects: createMemoryObjects(objects), host: createLocalHost(), clock: systemClock },
  );
}

function controllerWith(keys: { accessKeyId: string; secretAccessKey: string }): readonly KubernetesObject[] {
  const ref = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: 'aws', key } } });
  const env = [ref('AWS_ACCESS_KEY_ID', 'id'), ref('AWS_SECRET_ACCESS_KEY', 'secret')];
  const aws = secret('dns', 'aws', { id: keys.accessKeyId, secret: keys.secretAccessKey });
  return [aws, deployment('dns', 'traefik', { image: 'traefik:v2.11', env })];
}

describe.skipIf(!requireProgram('knotd'))('the ingress DNS of a cluster', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
  });
  afterEach(() => world.stop());

  it('is healthy when the names resolve to the ingress with the credentials in the cluster', async () => {
    const { healthy, conditions, gaps } = await check([...controllerWith(world.key), INGRESS]);
    expect(conditions.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect([healthy, gaps]).toEqual([true, []]);
    expect(conditions.find(({ id }) => id === 'record')?.evidence).toContain('Ingress shop/web wants 127.0.0.1');
  });

  it('reports broken credentials as the cause, with their location', async () => {
    const { causes } = await check([...controllerWith({ ...world.key, secretAccessKey: 'x'.repeat(40) }), INGRESS]);
    expect(causes).toMatchObject([
      { code: 'DNS_SECRET_WRONG', subject: 'Secret dns/aws, keys id and secret (Deployment dns/traefik)' },
    ]);
  });

  it('cannot be checked without a workload that has credentials', async () => {
    await expectCode(check([INGRESS]), 'DNS_CONTROLLER_NOT_FOUND');
  });
});
