import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireProgram } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BREAKS, type DnsWorld, NAME, startDnsWorld } from '../../../../packages/ingress-dns/src/dns-world.fixture.ts';
import { makeToken } from '../../../../packages/cert-rotation/src/token-keys/tokens.fixture.ts';
import { AUDIENCE, claims, makeTokenKey, SUBJECT } from '../../../../packages/ingress-dns/src/web-identity.fixture.ts';
import { BIN, type Ended, runCli, runProgram } from '../cli-process.fixture.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

let world: DnsWorld;
/** No node, whatever this machine is. */
const AWAY = ['--kubernetes-dir', '/nonexistent'];

function environment(keys: Keys | undefined): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  const base = { PATH, HOME: '/nonexistent', AWS_ENDPOINT_URL: world.aws.endpoint };
  if (keys === undefined) return base;
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  return {
    ...base,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  };
}

function words(...more: readonly string[]): readonly string[] {
  const { aws, port } = world;
  const resolver = `${aws.resolver.address}:${aws.resolver.port}`;
  const dns = ['--resolver', resolver, '--dns-port', `${aws.dnsPort}`, '--scheme', 'http', '--port', `${port}`];
  return ['dns', 'check', ...dns, ...more];
}

function check(keys: Keys | undefined, ...more: readonly string[]): Promise<Ended> {
  return runCli(words(...more), { env: environment(keys) });
}

function expectNoSecret({ stdout, stderr }: Ended, { accessKeyId, secretAccessKey, sessionToken }: Keys): void {
  for (const secret of [accessKeyId.trim(), secretAccessKey.trim(), sessionToken]) {
    if (secret !== undefined) expect(stdout + stderr).not.toContain(secret);
  }
}

describe.skipIf(!requireProgram('knotd'))('dns check', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
  });
  afterEach(() => world.stop());

  it('exits 0 with every condition ok', async () => {
    const ended = await check(world.key, '--domain', NAME);
    expect([ended.exitCode, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toMatch(/ok +credentials +the environment/);
    expect(ended.stdout).toMatch(/\n11 conditions, all ok\n$/);
    expectNoSecret(ended, world.key);
  });

  it.each(BREAKS)('exits 3 and names the cause: $title', async ({ condition, code, arrange, target, name = NAME }) => {
    const keys = await arrange(world);
    const more = ['--domain', name, ...(target === undefined ? [] : ['--target', target]), '--json'];
    const ended = await check(keys, ...more);
    expect(ended.exitCode).toBe(3);
    const { ok, result } = JSON.parse(ended.stdout);
    expect([
      ok,
      result.healthy,
      result.causes.map((each: { id: string; code: string }) => [each.id, each.code]),
    ]).toEqual([true, false, [[condition, code]]]);
    expectNoSecret(ended, keys);
  });

  it('prints the next step', async () => {
    const keys = world.aws.addKey({ actions: ['route53:ListHostedZones', 'route53:ListResourceRecordSets'] });
    const { exitCode, stdout } = await check(keys, '--domain', NAME);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/cause +change +example\.test/);
    expect(stdout.replace(/\s+/g, '')).toContain('"Action":["route53:ChangeResourceRecordSets"]');
    expect(stdout).toContain('(DNS_CHANGE_DENIED)');
  });

  it('with keys alone says whose they are and which zones they see, two of one name by their ids', async () => {
    const twin = await world.aws.addZone({ name: 'example.test', delegated: false });
    const ended = await check(world.key, ...AWAY);
    const { exitCode, stdout } = ended;
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^account 123456789012\narn:aws:iam::123456789012:/);
    for (const { id } of [world.zone, twin]) expect(stdout).toMatch(new RegExp(`\n${id} +example\\.test +public`));
    expectNoSecret(ended, world.key);
  });

  it('away from a node and without keys, asks for either', async () => {
    const { exitCode, stderr } = await check(undefined, ...AWAY);
    expect(exitCode).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('or give AWS keys (AWS_ACCESS_KEY_ID');
  });

  it.each([['--zone-id'], ['--domain']])('checks a zone by its id: %s', async (flag) => {
    const { exitCode, stdout } = await check(world.key, flag, world.zone.id);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ok +change +example\.test/);
    expect((await check(world.key, flag, 'Z00000000NOTHERE')).exitCode).toBe(3);
  });

  it('prints a missing policy whole, on lines of its own', async () => {
    const keys = world.aws.addKey({ actions: ['sts:GetCallerIdentity'] });
    const { exitCode, stdout } = await check(keys, ...AWAY);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^account \d{12}\n/);
    const [policy = ''] = /^\{\n[\s\S]*?^\}$/m.exec(stdout) ?? [];
    expect(JSON.parse(policy)).toMatchObject({ Version: '2012-10-17' });
  });

  it('writes nothing for a write test without --yes and without a terminal', async () => {
    const { exitCode, stderr } = await check(world.key, '--domain', NAME, '--write-test');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('CONFIRMATION_REQUIRED');
    expect(world.aws.requests).toEqual([]);
  });

  it('takes keys from the standard input, in JSON or as a credentials file', async () => {
    const { accessKeyId, secretAccessKey } = world.key;
    const inputs = [
      JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey }),
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    ];
    for (const text of inputs) {
      const command = ['-c', 'printf %s "$KEYS" | "$@"', 'sh', process.execPath, BIN];
      const ended = await runProgram('sh', [...command, ...words('--domain', NAME, '--aws-credentials', '-')], {
        env: { ...environment(undefined), KEYS: text },
      });
      expect([ended.exitCode, ended.stderr]).toEqual([0, '']);
    }
  });

  it('asks the zone that AWS_HOSTED_ZONE_ID names, with keys for this zone only', async () => {
    const actions = ['ListResourceRecordSets', 'ChangeResourceRecordSets', 'GetChange'].map(
      (each) => `route53:${each}`,
    );
    const keys = world.aws.addKey({ actions: ['sts:GetCallerIdentity', ...actions], zones: [world.zone.id] });
    const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-keys-'));
    const file = path.join(directory, 'keys.json');
    await writeFile(file, JSON.stringify({ AccessKeyId: keys.accessKeyId, SecretAccessKey: keys.secretAccessKey }));
    for (const [given, more] of [
      [keys, []],
      [undefined, ['--aws-credentials', file]],
    ] as const) {
      const env = environment(given);
      const named = { ...env, AWS_HOSTED_ZONE_ID: world.zone.id };
      expect((await runCli(words('--domain', NAME, ...more), { env: named })).exitCode).toBe(0);
      expect((await runCli(words('--domain', NAME, ...more), { env })).exitCode).toBe(3);
    }
    await rm(directory, { recursive: true });
  });

  it('assumes a role with an external ID, in the given region', async () => {
    const arn = world.aws.addRole({ name: 'dns', externalId: 'shop' });
    const role = ['--role-arn', arn, '--external-id', 'shop', '--region', 'eu-central-1'];
    const { exitCode, stdout } = await check(world.key, '--domain', NAME, ...role, '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).result.identity.arn).toContain('assumed-role/dns/');
  });

  it('proves write permission, and leaves nothing behind', async () => {
    const state = await mkdtemp(path.join(tmpdir(), 'kube-rescue-state-'));
    const before = world.aws.records(world.zone.id);
    const env = { ...environment(world.key), XDG_STATE_HOME: state };
    const { exitCode, stdout } = await runCli(words('--domain', NAME, '--write-test', '--yes'), { env });
    expect([exitCode, stdout.split('\n').at(-2)]).toEqual([0, '11 conditions, all ok']);
    expect(world.aws.requests.filter(({ action }) => action === 'route53:ChangeResourceRecordSets')).toHaveLength(2);
    expect(world.aws.records(world.zone.id)).toEqual(before);
    const runs = path.join(state, 'kube-rescue/dns-write-tests/runs');
    const [run = ''] = await readdir(runs);
    const journal = await readFile(path.join(runs, run, 'journal.jsonl'), 'utf8');
    expect(journal).toContain('"kind":"dns.change"');
    for (const secret of Object.values(world.key)) expect(journal).not.toContain(secret);
    await rm(state, { recursive: true });
  });

  it('removes the record of a killed write test with the next one', async () => {
    const state = await mkdtemp(path.join(tmpdir(), 'kube-rescue-state-'));
    const env = { ...environment(world.key), XDG_STATE_HOME: state };
    const command = words('--domain', NAME, '--write-test', '--yes');
    const count = (): number => world.aws.records(world.zone.id).length;
    const before = count();
    world.aws.setPendingAnswers(Infinity);
    const child = spawn(process.execPath, [BIN, ...command], { env, stdio: 'ignore' });
    await expect.poll(count, { timeout: 10_000 }).toBe(before + 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(count()).toBe(before + 1);
    world.aws.setPendingAnswers(0);
    const { exitCode, stdout } = await runCli([...command, '--json'], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('of an interrupted write test');
    expect(count()).toBe(before);
    await rm(state, { recursive: true });
  });

  it('judges a web identity by its token and by the trust policy in a file, and prints one that fits', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-token-'));
    const { key, jwk } = makeTokenKey();
    const issuer = 'https://127.0.0.1:1/cluster';
    const webIdentity = { issuer, audience: AUDIENCE, subject: SUBJECT, keys: [jwk] };
    const roleArn = world.aws.addRole({ name: 'external-dns', webIdentity });
    const [token, policy] = [path.join(directory, 'token'), path.join(directory, 'role.json')];
    const env = { ...environment(undefined), AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: token };
    const run = async (claimed: object, ...more: readonly string[]) => {
      const text = makeToken(key, claims({ iss: issuer, ...claimed }));
      await writeFile(token, text);
      const ended = await runCli(words('--domain', NAME, ...more), { env });
      expect(ended.stdout + ended.stderr).not.toContain(text.split('.')[2]);
      return ended;
    };
    const accepted = await run({});
    expect([accepted.exitCode, accepted.stderr]).toEqual([0, '']);
    expect(accepted.stdout).toMatch(/ok +identity +the environment, token in/);

    const statement = { Effect: 'Allow', Principal: { Federated: 'arn:aws:iam::123456789012:oidc-provider/old' } };
    const document = { Version: '2012-10-17', Statement: [{ ...statement, Action: 'sts:AssumeRoleWithWebIdentity' }] };
    await writeFile(policy, JSON.stringify({ Role: { Arn: roleArn, AssumeRolePolicyDocument: document } }));
    const refused = await run({ sub: 'system:serviceaccount:a:b' }, '--trust-policy', policy);
    expect(refused.exitCode).toBe(3);
    expect(refused.stdout).toMatch(/cause +trust/);
    const [fitting = ''] = /^\{\n[\s\S]*?^\}$/m.exec(refused.stdout) ?? [];
    expect(JSON.parse(fitting).Statement).toHaveLength(2);

    const misplaced = await check(world.key, '--domain', NAME, '--trust-policy', policy);
    expect([misplaced.exitCode, misplaced.stderr]).toEqual([2, expect.stringContaining('no web identity')]);
    await rm(directory, { recursive: true });
  });

  it('exits 2 without credentials, and for an invalid name or resolver', async () => {
    for (const [more, code] of [
      [['--domain', NAME], 'DNS_CREDENTIALS_NOT_FOUND'],
      [['--domain', 'https://shop.test/'], 'USAGE'],
      [['--domain', NAME, '--resolver', 'ns.example'], 'USAGE'],
      [['--domain', NAME, '--aws-credentials', '/nonexistent'], 'USAGE'],
    ] as const) {
      const { exitCode, stdout } = await check(undefined, ...more, '--json');
      expect([exitCode, JSON.parse(stdout).error.code]).toEqual([2, code]);
    }
  });
});
