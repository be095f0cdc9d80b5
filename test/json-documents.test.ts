import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, type PlantedNode, plantNode, runCli, runProgram } from '../apps/cli/src/cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from '../apps/cli/src/etcd/etcd-node.fixture.ts';

const REPOSITORY = path.join(import.meta.dirname, '..');
const SCHEMAS = path.join(REPOSITORY, 'docs/reference/schemas');

type Schema = Readonly<Record<string, unknown>>;

/** The schema with no other fields than those that it names: what is not documented must not be printed. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const fields = Object.entries(schema).map(([name, value]) => [
    name,
    name === 'oneOf' || name === 'const' || name === 'enum' ? value : closed(value),
  ]);
  const made = Object.fromEntries(fields) as Schema;
  const isObject = made['type'] === 'object' && 'properties' in made && !('additionalProperties' in made);
  return isObject ? { ...made, additionalProperties: false } : made;
}

const ajv = new Ajv({ strict: false, allErrors: true, formats: { 'date-time': true } });

async function faultsOf(command: string, { stdout }: Ended): Promise<readonly unknown[]> {
  const text = await readFile(path.join(SCHEMAS, `${command.replaceAll(' ', '-')}.json`), 'utf8');
  const validate = ajv.compile(closed(JSON.parse(text)) as Schema);
  return validate(JSON.parse(stdout)) ? [] : (validate.errors ?? []);
}

async function commandsOf(): Promise<readonly string[]> {
  const text = await readFile(path.join(REPOSITORY, 'apps/cli/oclif.manifest.json'), 'utf8');
  return Object.keys((JSON.parse(text) as { readonly commands: object }).commands);
}

let node: PlantedNode;
let directory: string;
beforeAll(async () => {
  node = await plantNode({ algorithm: 'ecdsa', expired: ['apiserver', 'admin.conf'] });
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-documents-'));
});
afterAll(() => Promise.all([node.remove(), rm(directory, { recursive: true })]));

describe('the reference of the JSON documents', () => {
  it('is what the types of the program say', async () => {
    const script = path.join(REPOSITORY, 'scripts/write-json-schemas.js');
    expect(await runProgram(process.execPath, [script, '--check'])).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('has a schema for every command but the drill', async () => {
    const files = (await readdir(SCHEMAS)).map((name) => name.replace('.json', ''));
    const commands = (await commandsOf()).map((id) => id.replaceAll(':', '-')).filter((id) => id !== 'drill');
    expect(files.toSorted()).toEqual(commands.toSorted());
  });
});

describe('a document', () => {
  it('agrees with the schema of its command, in the order of a recovery on a copy', async () => {
    const on = (...args: readonly string[]) => runCli([...args, '--root', node.root, '--json'], { cwd: directory });
    const steps: readonly (readonly [command: string, number, ...words: readonly string[]])[] = [
      ['triage', 3],
      ['certs check', 3],
      ['certs check', 3, '--warn-within', '900d', '--fail-within', '1w'],
      ['certs inspect', 3, 'apiserver'],
      ['certs rotate-ca', 0, 'cluster'],
      ['certs rotate-sa', 0],
      ['certs csr export', 0, './requests'],
      ['certs reissue-cas', 0, 'etcd', '--out', './cas'],
      ['certs reissue-cas', 4, 'etcd', '--out', './cas'],
      ['certs csr import', 4, './requests', '--dry-run'],
      ['certs adopt', 4, './requests', '--dry-run'],
      ['manifests list', 0],
      ['plan', 3],
      ['recover', 3, '--dry-run'],
      ['recover', 2],
      ['recover', 0, '--yes'],
      ['triage', 0],
      ['certs renew', 0, 'etcd/server', '--yes'],
      ['runs', 0],
      ['report', 0, 'latest'],
      ['rollback', 3, 'latest', '--dry-run'],
      ['rollback', 0, 'latest', '--yes', '--force'],
      ['etcd status', 4],
    ];
    for (const [command, exitCode, ...words] of steps) {
      const ended = await on(...command.split(' '), ...words);
      expect({ command, words, faults: await faultsOf(command, ended) }).toEqual({ command, words, faults: [] });
      expect({ command, words, exitCode: ended.exitCode }).toEqual({ command, words, exitCode });
      expect(JSON.parse(ended.stdout)).toMatchObject({ exitCode });
    }
  });

  it.each([
    ['runbook', []],
    ['runbook', ['rotate-a-ca']],
    ['completion', ['fish']],
    ['triage', ['--nonsense']],
  ])('of %s %j agrees with its schema', async (command, words) => {
    expect(await faultsOf(command, await runCli([command, ...words, '--json']))).toEqual([]);
  });

  it('of certs check says whether the node is healthy, and by which times that was judged', async () => {
    const expired = await plantNode({ algorithm: 'ecdsa', expired: ['apiserver', 'admin.conf'] });
    const { stdout } = await runCli(['certs', 'check', '--warn-within', '2w', '--root', expired.root, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'problems',
      result: { healthy: false, warnWithinDays: 14, failWithinDays: 14, counts: { problem: 2 } },
    });
    await expired.remove();
  });
});

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0)('a document about a live etcd', () => {
  let live: EtcdNode;
  beforeAll(async () => {
    live = await startEtcdNode();
    const metadata = { name: 'one', namespace: 'default' };
    await live.create({ apiVersion: 'v1', kind: 'Secret', metadata, data: { 'ca.crt': 'b2xk' } });
  });
  afterAll(() => live.remove());

  it.each([
    ['triage', []],
    ['etcd probe', []],
    ['etcd status', []],
    ['etcd get', ['secrets']],
    ['etcd get', ['secret', 'one']],
    ['etcd patch', ['secret', 'one', '--set', 'type=y', '--dry-run']],
    ['etcd patch', ['secret', 'one', '--set', 'stringData.note=kept', '--yes']],
    ['cni check', []],
    ['pods list', []],
    ['nodes list', []],
    ['manifests list', []],
    ['certs check', ['--cluster']],
  ])('of %s %j agrees with its schema', async (command, words) => {
    const ended = await live.run(...command.split(' '), ...words, '--json');
    expect({ faults: await faultsOf(command, ended), stderr: ended.stderr }).toMatchObject({ faults: [] });
    expect(JSON.parse(ended.stdout)).toMatchObject({ verdict: expect.stringMatching(/^(?:ok|problems)$/) });
  });
});
