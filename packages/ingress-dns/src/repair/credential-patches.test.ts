import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { findClusterCredentials } from '../cluster/cluster-credentials.ts';
import { openClusterReading } from '../cluster/cluster-reading.ts';
import { createMemoryObjects, deployment, secret } from '../memory-objects.fixture.ts';
import { type CredentialPatches, planCredentialPatches, RESTART_ANNOTATION } from './credential-patches.ts';

const NEW = { accessKeyId: 'AKIANEWNEWNEWNEWNEWX', secretAccessKey: 'new'.repeat(13) };
const SESSION = { ...NEW, sessionToken: 'token' };

async function plan(
  objects: readonly KubernetesObject[],
  keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = NEW,
): Promise<CredentialPatches> {
  const cluster = openClusterReading(createMemoryObjects(objects));
  const [found] = await findClusterCredentials(cluster);
  if (found === undefined) throw new Error('no credentials found');
  return planCredentialPatches(found, keys, cluster);
}

function textsOf({ secrets }: CredentialPatches): unknown {
  return secrets.map(({ reference, patch }) => [
    `${reference.namespace}/${reference.name}`,
    Object.fromEntries(
      Object.entries((patch as { data: Record<string, string> }).data).map(([key, value]) => [
        key,
        Buffer.from(value, 'base64').toString(),
      ]),
    ),
  ]);
}

const ref = (variable: string, name: string, key: string) => ({
  name: variable,
  valueFrom: { secretKeyRef: { name, key } },
});
const ENV = [ref('AWS_ACCESS_KEY_ID', 'aws', 'id'), ref('AWS_SECRET_ACCESS_KEY', 'aws', 'secret')];
const AWS = secret('dns', 'aws', { id: 'AKIAOLD', secret: 'old', token: 'old' });

describe('new keys', () => {
  it('are written to the Secret of the controller, which restarts', async () => {
    const patches = await plan([AWS, deployment('dns', 'a', { env: ENV })]);
    expect(textsOf(patches)).toEqual([['dns/aws', { id: NEW.accessKeyId, secret: NEW.secretAccessKey }]]);
    expect(patches.controller).toMatchObject({
      reference: { kind: { kind: 'Deployment' }, namespace: 'dns', name: 'a' },
      patch: {
        spec: {
          template: { metadata: { annotations: { [RESTART_ANNOTATION]: expect.stringMatching(/^[0-9a-f]{16}$/) } } },
        },
      },
    });
    expect(JSON.stringify(patches.controller)).not.toContain('new');
  });

  it('are written to each of several Secrets', async () => {
    const other = secret('dns', 'id', { id: 'AKIAOLD' });
    const env = [ref('AWS_ACCESS_KEY_ID', 'id', 'id'), ref('AWS_SECRET_ACCESS_KEY', 'aws', 'secret')];
    expect(textsOf(await plan([AWS, other, deployment('dns', 'a', { env })]))).toEqual([
      ['dns/id', { id: NEW.accessKeyId }],
      ['dns/aws', { secret: NEW.secretAccessKey }],
    ]);
  });

  it('include the session token, or clear an old one', async () => {
    const env = [...ENV, ref('AWS_SESSION_TOKEN', 'aws', 'token')];
    const objects = [AWS, deployment('dns', 'a', { env })];
    expect(textsOf(await plan(objects, SESSION))).toMatchObject([['dns/aws', { token: 'token' }]]);
    expect(textsOf(await plan(objects))).toMatchObject([['dns/aws', { token: '' }]]);
  });

  it('replace the old keys in a credentials file and keep the rest', async () => {
    const file = secret('dns', 'file', {
      credentials:
        '# ours\n[default]\nrole_arn = arn:aws:iam::1:role/dns\nsource_profile = base\n[base]\naws_access_key_id=AKIAOLD\naws_secret_access_key = old\nregion = eu-west-1\n[other]\nx = y\n',
    });
    const mount = { volumeMounts: [{ name: 'v', mountPath: '/root/.aws' }] };
    const workload = deployment('dns', 'a', mount, { volumes: [{ name: 'v', secret: { secretName: 'file' } }] });
    expect(textsOf(await plan([file, workload]))).toEqual([
      [
        'dns/file',
        {
          credentials: `# ours\n[default]\nrole_arn = arn:aws:iam::1:role/dns\nsource_profile = base\n[base]\naws_access_key_id = ${NEW.accessKeyId}\naws_secret_access_key = ${NEW.secretAccessKey}\nregion = eu-west-1\n[other]\nx = y\n`,
        },
      ],
    ]);
  });

  it('are refused for a literal, a missing session token variable and ambient credentials', async () => {
    const literal = [ENV[0], { name: 'AWS_SECRET_ACCESS_KEY', value: 'old' }];
    await expectCode(plan([AWS, deployment('dns', 'a', { env: literal })]), 'DNS_CREDENTIAL_LOCATION_UNSUPPORTED');
    await expectCode(plan([AWS, deployment('dns', 'a', { env: ENV })], SESSION), 'DNS_CREDENTIAL_LOCATION_UNSUPPORTED');
    const ambient = deployment('dns', 'external-dns', { image: 'external-dns', args: ['--provider=aws'] });
    await expectCode(plan([ambient]), 'DNS_CREDENTIAL_LOCATION_UNSUPPORTED');
  });
});
