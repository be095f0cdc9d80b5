import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { createMemoryObjects, deployment, secret } from '../memory-objects.fixture.ts';
import { chooseCredentials, findClusterCredentials } from './cluster-credentials.ts';
import { openClusterReading } from './cluster-reading.ts';
import type { ClusterCredentials } from './found-credentials.ts';

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' };
const AWS = secret('dns', 'aws', { id: KEYS.accessKeyId, secret: `${KEYS.secretAccessKey}\n` });

function find(...objects: readonly KubernetesObject[]): Promise<readonly ClusterCredentials[]> {
  return findClusterCredentials(openClusterReading(createMemoryObjects(objects)));
}

const fromSecret = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: 'aws', key } } });
const ENV = [fromSecret('AWS_ACCESS_KEY_ID', 'id'), fromSecret('AWS_SECRET_ACCESS_KEY', 'secret')];

describe('AWS credentials in a cluster', () => {
  it('are read verbatim from variables that refer to a Secret', async () => {
    const env = [...ENV, { name: 'AWS_REGION', value: 'eu-west-1' }];
    const [found] = await find(AWS, deployment('dns', 'traefik', { image: 'traefik:v2.11', env }));
    expect(found).toMatchObject({
      controller: { kind: 'Deployment', namespace: 'dns', name: 'traefik', software: 'Traefik' },
      source: {
        where: 'Secret dns/aws, keys id and secret (Deployment dns/traefik)',
        keys: { ...KEYS, secretAccessKey: `${KEYS.secretAccessKey}\n` },
        region: 'eu-west-1',
      },
      location: {
        kind: 'fields',
        accessKeyId: { kind: 'secret', namespace: 'dns', name: 'aws', key: 'id' },
        secretAccessKey: { kind: 'secret', key: 'secret' },
      },
    });
  });

  it('are found in envFrom, in literals, and in a mix of both', async () => {
    const all = secret('dns', 'all', { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: 'from-secret' });
    const envFrom = [{ secretRef: { name: 'all' } }];
    const [whole] = await find(all, deployment('dns', 'a', { image: 'any', envFrom }));
    expect(whole?.source.keys?.secretAccessKey).toBe('from-secret');
    const env = [{ name: 'AWS_SECRET_ACCESS_KEY', value: 'literal' }];
    const [mixed] = await find(all, deployment('dns', 'a', { image: 'any', envFrom, env }));
    expect(mixed?.source.keys).toMatchObject({ accessKeyId: KEYS.accessKeyId, secretAccessKey: 'literal' });
    expect(mixed?.location).toMatchObject({ secretAccessKey: { kind: 'env', container: 'main' } });
  });

  it('are found in the used profile of a mounted credentials file', async () => {
    const text = `[default]\nrole_arn = arn:aws:iam::1:role/dns\nsource_profile = base\nexternal_id = x\n[base]\naws_access_key_id=${KEYS.accessKeyId}\naws_secret_access_key=${KEYS.secretAccessKey}\n`;
    const file = secret('dns', 'file', { 'credentials.ini': text });
    const [found] = await find(
      file,
      deployment(
        'dns',
        'external-dns',
        {
          image: 'registry.k8s.io/external-dns/external-dns:v0.14.0',
          args: ['--provider=aws'],
          env: [{ name: 'AWS_SHARED_CREDENTIALS_FILE', value: '/.aws/credentials' }],
          volumeMounts: [{ name: 'aws', mountPath: '/.aws' }],
        },
        {
          volumes: [
            { name: 'aws', secret: { secretName: 'file', items: [{ key: 'credentials.ini', path: 'credentials' }] } },
          ],
        },
      ),
    );
    expect(found).toMatchObject({
      source: { keys: KEYS, roles: [{ arn: 'arn:aws:iam::1:role/dns', externalId: 'x' }] },
      location: { kind: 'file', namespace: 'dns', name: 'file', key: 'credentials.ini', profile: 'base' },
    });
  });

  it('include the role to assume', async () => {
    const args = ['--provider=aws', '--aws-assume-role=arn:aws:iam::1:role/dns', '--aws-assume-role-external-id', 'x'];
    const [found] = await find(AWS, deployment('dns', 'external-dns', { image: 'external-dns', args, env: ENV }));
    expect(found?.source.roles).toEqual([{ arn: 'arn:aws:iam::1:role/dns', externalId: 'x' }]);
  });

  it('come with the zone that the workload names by id', async () => {
    const variable = (value: string) => ({ name: 'AWS_HOSTED_ZONE_ID', value });
    const image = 'external-dns:v0.14';
    const zonesOf = async (...objects: KubernetesObject[]) => (await find(AWS, ...objects))[0]?.source.zones;
    expect(
      await zonesOf(
        deployment('dns', 'traefik', { image: 'traefik:v2.11', env: [...ENV, variable('/hostedzone/Z1')] }),
      ),
    ).toEqual({ ids: ['Z1'], by: 'AWS_HOSTED_ZONE_ID', areListed: false });
    const filters = ['--zone-id-filter=Z1', '--zone-id-filter', 'Z2'];
    expect(await zonesOf(deployment('dns', 'external-dns', { image, args: filters, env: ENV }))).toEqual({
      ids: ['Z1', 'Z2'],
      by: '--zone-id-filter',
      areListed: true,
    });
    expect(await zonesOf(deployment('dns', 'external-dns', { image, env: [...ENV, variable('Z1')] }))).toBeUndefined();
    expect(
      await zonesOf(deployment('dns', 'traefik', { image: 'traefik', env: [...ENV, variable('')] })),
    ).toBeUndefined();
  });

  it('are reported as ambient for IRSA, Pod Identity and instance roles', async () => {
    const image = 'external-dns:v0.14';
    const workload = deployment('dns', 'external-dns', { image, args: ['--provider=aws'] });
    const account = (annotations: Record<string, string>): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: 'dns', name: 'default', annotations },
    });
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'dns', name: 'external-dns-abc' },
      spec: { containers: [{ env: [{ name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: 'http://169.254.170.23' }] }] },
    };
    const ambients = [
      await find(workload, account({ 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/dns' })),
      await find(workload, account({}), pod),
      await find(workload, account({})),
    ].map(([found]) => found?.source.ambient);
    expect(ambients).toEqual(['IRSA', 'Pod Identity', 'instance role']);
  });

  it('of IRSA come with role, subject, audience and the file of the token, of running pods or of the template', async () => {
    const roleArn = 'arn:aws:iam::1:role/dns';
    const env = [
      { name: 'AWS_ROLE_ARN', value: roleArn },
      { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token' },
    ];
    const volumeMounts = [{ name: 'aws-iam-token', mountPath: '/var/run/secrets/eks.amazonaws.com/serviceaccount' }];
    const token = { audience: 'sts.amazonaws.com', expirationSeconds: 86_400, path: 'token' };
    const volumes = [{ name: 'aws-iam-token', projected: { sources: [{ serviceAccountToken: token }] } }];
    const spec = { serviceAccountName: 'external-dns', volumes };
    const container = { image: 'external-dns:v0.14', args: ['--provider=aws'] };
    const pod: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'dns', name: 'external-dns-abc', uid: '0f1e' },
      spec: { ...spec, nodeName: 'node02', containers: [{ name: 'main', env, volumeMounts }] },
    };
    const identity = { roleArn, subject: 'system:serviceaccount:dns:external-dns', audience: 'sts.amazonaws.com' };
    const [webhook] = await find(
      pod,
      deployment('dns', 'external-dns', container, { serviceAccountName: 'external-dns' }),
    );
    expect(webhook?.source).toMatchObject({
      ambient: 'IRSA',
      webIdentity: {
        ...identity,
        tokenFiles: [
          {
            pod: 'dns/external-dns-abc',
            node: 'node02',
            kubeletPath: 'pods/0f1e/volumes/kubernetes.io~projected/aws-iam-token/token',
          },
        ],
      },
    });
    const [own] = await find(deployment('dns', 'external-dns', { ...container, env, volumeMounts }, spec));
    expect(own?.source.webIdentity).toEqual({ ...identity, tokenFiles: [] });
  });

  it('are found in issuers of cert-manager', async () => {
    const route53 = {
      region: 'eu-west-1',
      accessKeyID: KEYS.accessKeyId,
      secretAccessKeySecretRef: { name: 'aws', key: 'secret' },
      role: 'arn:aws:iam::1:role/dns',
      hostedZoneID: 'Z1',
    };
    const issuer: KubernetesObject = {
      apiVersion: 'cert-manager.io/v1',
      kind: 'ClusterIssuer',
      metadata: { name: 'letsencrypt' },
      spec: { acme: { solvers: [{ http01: {} }, { dns01: { route53 } }] } },
    };
    const found = await find(
      AWS,
      issuer,
      deployment('dns', 'cert-manager', { image: 'quay.io/jetstack/cert-manager-controller:v1' }),
    );
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      source: {
        keys: { accessKeyId: KEYS.accessKeyId },
        roles: [{ arn: route53.role }],
        zones: { ids: ['Z1'], by: 'hostedZoneID of ClusterIssuer letsencrypt', areListed: false },
      },
      location: { accessKeyId: { kind: 'elsewhere', where: 'ClusterIssuer letsencrypt' } },
    });
  });

  it('are not reported for workloads without AWS', async () => {
    expect(
      await find(deployment('shop', 'web', { image: 'nginx' }), deployment('dns', 'traefik', { image: 'traefik' })),
    ).toEqual([]);
  });

  it('are those of the DNS controller first, unless a workload is named', async () => {
    const found = await find(
      AWS,
      deployment('dns', 'backup', { image: 'velero', env: ENV }),
      deployment('dns', 'external-dns', { image: 'external-dns', env: ENV }),
    );
    expect(chooseCredentials(found, undefined).controller.name).toBe('external-dns');
    expect(chooseCredentials(found, 'deployment/backup').controller.name).toBe('backup');
    await expectCode((async () => chooseCredentials(found, 'none'))(), 'DNS_CONTROLLER_NOT_FOUND');
  });
});
