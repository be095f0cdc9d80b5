import { createLocalHost, systemClock } from '@kube-rescue/host';
import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { createFakeHost, expectCode, type FakeHost, requireProgram } from '@kube-rescue/testing';
import {
  type Change,
  type ChangeKind,
  createChangeRegistry,
  openRunStore,
  rollbackRun,
  runPlaybook,
  type RunResult,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAwsAccount } from '../aws/aws-account.ts';
import type { AwsCredentials } from '../credentials/aws-credentials.ts';
import { type DnsWorld, startDnsWorld } from '../dns-world.fixture.ts';
import { createMemoryObjects, deployment, type MemoryObjects, secret } from '../memory-objects.fixture.ts';
import { RESTART_ANNOTATION } from './credential-patches.ts';
import { createCredentialsPlaybook, type NewCredentialsInput } from './credentials-playbook.ts';
import type { ObjectPatch } from './credential-patches.ts';

const NAME = 'new.example.test';
const OLD = { accessKeyId: 'AKIAOLDOLDOLDOLDOLDX', secretAccessKey: 'o'.repeat(40) };

let world: DnsWorld;
let objects: MemoryObjects;
let host: FakeHost;
let controllerIsBroken: boolean;

const INGRESS: KubernetesObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { rules: [{ host: NAME }] },
  status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } },
};

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(target as object) };
  for (const [key, value] of Object.entries(patch)) merged[key] = merge(merged[key], value);
  return merged;
}

/** A fake controller: after each restart it creates its record with the keys in the Secret. */
async function startController(): Promise<void> {
  if (controllerIsBroken) return;
  const data = objects.all().find(({ kind }) => kind === 'Secret')?.['data'] as Record<string, string>;
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  const awsClient = { endpoints: { sts: world.aws.endpoint, route53: world.aws.endpoint } };
  const account = openAwsAccount(
    awsClient,
    { accessKeyId: text('id'), secretAccessKey: text('secret') },
    { clock: systemClock },
  );
  const record = { name: NAME, type: 'A', ttl: 60, values: ['127.0.0.1'] };
  await account.changeRecords(world.zone.id, [{ action: 'UPSERT', record }]).catch(() => undefined);
  account.close();
}

interface Patch extends Change {
  readonly kind: 'test.patch';
}

const patches = new Map<string, ObjectPatch>();
const read = async (target: string) => {
  const found = await objects.get((patches.get(target) as ObjectPatch).reference);
  if (found === undefined) throw new Error(`${target} is gone`);
  return found;
};
const PATCH_KIND: ChangeKind<Patch> = {
  kind: 'test.patch',
  undoOrder: 'reverse',
  describe: ({ target }) => `patch ${target}`,
  preflight: async () => undefined,
  staleness: async () => undefined,
  capture: async ({ target }, _after, backup) => backup.keep(Buffer.from(JSON.stringify((await read(target)).object))),
  apply: async ({ target }, material) => {
    const before = await read(target);
    const patch: unknown = JSON.parse(Buffer.from(material ?? []).toString());
    await objects.replace(before, merge(before.object, patch) as KubernetesObject);
    if (target.startsWith('Deployment')) await startController();
  },
  undo: async ({ target }, captured, backup) => {
    const old = JSON.parse(Buffer.from(await backup.read(captured as string)).toString()) as KubernetesObject;
    await objects.replace(await read(target), old);
    return { state: 'undone' };
  },
};

const impatient = { now: systemClock.now, sleep: (ms: number) => systemClock.sleep(Math.min(ms, 50)) };

function playbook(keys: AwsCredentials, input: Partial<NewCredentialsInput> = {}) {
  const { aws, port } = world;
  return createCredentialsPlaybook(
    {
      keys,
      awsClient: { endpoints: { sts: aws.endpoint, route53: aws.endpoint } },
      dns: { resolvers: [aws.resolver], port: aws.dnsPort },
      endpoint: { scheme: 'http', port },
      timeoutMs: 3000,
      ...input,
    },
    {
      objects,
      host: createLocalHost(),
      clock: impatient,
      patchStep: async (patch, naming) => {
        const { kind, namespace, name } = patch.reference;
        const target = `${kind.kind} ${namespace ?? ''}/${name}`;
        patches.set(target, patch);
        const isDone = async (): Promise<boolean> => {
          const { object } = await read(target);
          return JSON.stringify(merge(object, patch.patch)) === JSON.stringify(object);
        };
        return {
          ...naming,
          reversible: 'yes' as const,
          check: async () => ({
            status: (await isDone()) ? ('ok' as const) : ('needed' as const),
            summary: target,
            evidence: [],
          }),
          plan: () => [{ kind: 'test.patch', target }],
          apply: (changes, journal) =>
            journal.perform(changes.map((change) => ({ change, material: Buffer.from(JSON.stringify(patch.patch)) }))),
          verify: async () => ((await isDone()) ? { verified: true, evidence: [] } : { verified: false, reason: 'no' }),
        };
      },
    },
  );
}

function workflow(): WorkflowDeps {
  const kinds = createChangeRegistry([PATCH_KIND]);
  return { host, clock: systemClock, kinds, store: openRunStore(host), onEvent: () => undefined };
}

function run(keys: AwsCredentials, input: Partial<NewCredentialsInput> = {}): Promise<RunResult> {
  const signal = new AbortController().signal;
  return runPlaybook({ playbook: playbook(keys, input), selection: {}, confirm: async () => true, signal }, workflow());
}

const annotation = (): unknown =>
  (
    objects.all().find(({ kind }) => kind === 'Deployment') as unknown as {
      spec: { template: { metadata: { annotations?: Record<string, string> } } };
    }
  ).spec.template.metadata.annotations?.[RESTART_ANNOTATION];

describe.skipIf(!requireProgram('knotd'))('new credentials for the ingress DNS provider', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
    host = createFakeHost();
    controllerIsBroken = false;
    const ref = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: 'aws', key } } });
    objects = createMemoryObjects([
      secret('dns', 'aws', { id: OLD.accessKeyId, secret: OLD.secretAccessKey, other: 'kept' }),
      deployment('dns', 'external-dns', {
        image: 'external-dns',
        env: [ref('AWS_ACCESS_KEY_ID', 'id'), ref('AWS_SECRET_ACCESS_KEY', 'secret')],
      }),
      INGRESS,
    ]);
  });
  afterEach(() => world.stop());

  it('are written and used until every name resolves and answers, and can be rolled back', async () => {
    const before = JSON.stringify(objects.all());
    const result = await run(world.key);
    expect(result.steps.map(({ step, result: outcome }) => [step, outcome])).toEqual([
      ['dns/judge-credentials', 'ok'],
      ['dns/write-credentials', 'done'],
      ['dns/restart-controller', 'done'],
      ['dns/names', 'done'],
    ]);
    expect(world.aws.records(world.zone.id).some(({ name }) => name === NAME)).toBe(true);
    expect(annotation()).toMatch(/^[0-9a-f]{16}$/);
    expect(await run(world.key)).toMatchObject({ outcome: 'nothing-to-do' });
    await rollbackRun(result.runId ?? '', workflow());
    expect(JSON.stringify(objects.all())).toBe(before);
  });

  it('appear in neither plan nor journal', async () => {
    const { runId, plan } = await run(world.key);
    const journal = await host.readFile(`/var/lib/kube-rescue/runs/${runId}/journal.jsonl` as never);
    const text = JSON.stringify(plan) + Buffer.from(journal ?? []).toString();
    for (const { accessKeyId, secretAccessKey } of [world.key, OLD]) {
      for (const each of [accessKeyId, secretAccessKey]) {
        expect(text).not.toContain(each);
        expect(text).not.toContain(Buffer.from(each).toString('base64'));
      }
    }
  });

  it('are refused before any change when they do not work', async () => {
    const denied = world.aws.addKey({ actions: ['route53:ListHostedZones', 'route53:ListResourceRecordSets'] });
    const before = JSON.stringify(objects.all());
    for (const keys of [
      { ...world.key, secretAccessKey: 'x'.repeat(40) },
      { ...world.key, accessKeyId: ' ' },
      denied,
    ]) {
      await expectCode(run(keys), 'WORKFLOW_BLOCKED');
    }
    expect(JSON.stringify(objects.all())).toBe(before);
  });

  it('are reported as not verified when the controller does not create the records', async () => {
    controllerIsBroken = true;
    const failure = await expectCode(run(world.key), 'NOT_VERIFIED');
    expect(failure.message).toContain(`record of ${NAME}: the zone has no record for this name`);
    expect(annotation()).toBeDefined();
  });
});
