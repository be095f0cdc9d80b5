import { execFileSync } from 'node:child_process';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BIN, type PlantedNode, plantNode, runCli, runProgram } from './cli-process.fixture.ts';

const CERTIFICATE = '/etc/kubernetes/pki/apiserver.crt';
const KEY = '/etc/kubernetes/pki/apiserver.key';

let node: PlantedNode;
let localFiles: string;
const at = (file: string): string => path.join(node.root, file);
const textOf = (file: string): Promise<string> => readFile(at(file), 'utf8');
const pairOf = (): Promise<readonly string[]> => Promise.all([textOf(CERTIFICATE), textOf(KEY)]);

beforeEach(async () => {
  node = await plantNode({ expired: ['apiserver'] });
  localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-rollback-'));
});
afterEach(async () => {
  await Promise.all([node.remove(), rm(localFiles, { recursive: true })]);
});

async function renew(...flags: readonly string[]): Promise<{ readonly runId: string; readonly wayBack: string }> {
  const words = ['certs', 'renew', 'apiserver', '--new-keys', '--yes', '--root', node.root];
  const { stdout, stderr } = await runCli([...words, ...flags]);
  const [, wayBack = ''] = /roll back with: (kube-rescue rollback.*)/.exec(stdout) ?? [];
  const [, runId = ''] = /run (\S+), journal in/.exec(stderr) ?? [];
  return { runId, wayBack: wayBack.replaceAll(/\s+/g, ' ').trim() };
}

/** Runs a printed command in a shell. */
function paste(command: string, ...more: readonly string[]): ReturnType<typeof runCli> {
  const program = `"${process.execPath}" "${BIN}"`;
  const script = `${command.replace(/^kube-rescue/, program)} ${more.join(' ')}`;
  return runProgram('sh', ['-c', script]);
}

/** Has the certificate signed again, for the same key. */
function signAnew(): void {
  const request = path.join(localFiles, 'request.pem');
  const openssl = (...words: readonly string[]): Buffer => execFileSync('openssl', words, { stdio: 'pipe' });
  openssl('req', '-new', '-key', at(KEY), '-subj', '/CN=kube-apiserver', '-out', request);
  const ca = ['-CA', at('/etc/kubernetes/pki/ca.crt'), '-CAkey', at('/etc/kubernetes/pki/ca.key')];
  openssl('x509', '-req', '-in', request, ...ca, '-days', '90', '-out', at(CERTIFICATE));
}

describe('the printed command that rolls a run back', () => {
  it('works when it is pasted: it names the copy, and --force where the old certificate has expired', async () => {
    const before = await pairOf();
    const { runId, wayBack } = await renew();
    expect(wayBack).toBe(`kube-rescue rollback ${runId} --root ${node.root} --force`);
    expect(await pairOf()).not.toEqual(before);
    const { exitCode, stderr } = await paste(wayBack, '--yes');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(await pairOf()).toEqual(before);
  });

  it('works for encrypted backups with the file of the identity, and has no --force where it is not needed', async () => {
    const identity = await generateIdentity();
    const file = path.join(localFiles, 'key.txt');
    await writeFile(file, `${identity}\n`, { mode: 0o600 });
    await renew();
    const before = await pairOf();
    const { runId, wayBack } = await renew('--backup-recipient', await identityToRecipient(identity));
    expect(wayBack).toBe(`kube-rescue rollback ${runId} --root ${node.root} --backup-identity FILE`);
    const { exitCode, stdout } = await paste(wayBack.replace('FILE', file), '--yes', '--json');
    expect(exitCode).toBe(0);
    expect(await pairOf()).toEqual(before);
    const { result } = JSON.parse(stdout) as { result: { replaced: readonly { kept: string }[] } };
    expect(result.replaced).toHaveLength(2);
    for (const { kept } of result.replaced) {
      expect((await readFile(kept, 'latin1')).startsWith('age-encryption.org/v1\n')).toBe(true);
    }
  });
});

describe('a rollback', () => {
  it('leaves the key of a certificate that was signed again since, and names both and their old bytes', async () => {
    const old = await pairOf();
    const { runId } = await renew();
    signAnew();
    const present = await pairOf();
    const words = ['rollback', runId, '--yes', '--force', '--root', node.root];
    const { exitCode, stdout } = await runCli([...words, '--json']);
    expect(exitCode).toBe(6);
    expect(await pairOf()).toEqual(present);
    const { result } = JSON.parse(stdout) as {
      result: { notReverted: readonly { target: string; reason: string; old: string }[] };
    };
    const reasons = new Map(result.notReverted.map((each) => [each.target, each]));
    expect(reasons.get(CERTIFICATE)?.reason).toContain('changed by another process since');
    expect(reasons.get(KEY)?.reason).toContain(`belongs to ${CERTIFICATE}`);
    expect(await readFile(reasons.get(CERTIFICATE)?.old ?? '', 'utf8')).toBe(old[0]);
    expect(await readFile(reasons.get(KEY)?.old ?? '', 'utf8')).toBe(old[1]);
  });

  it('keeps the replaced key and certificate, and says where', async () => {
    const { runId } = await renew();
    const renewed = await pairOf();
    const { exitCode, stdout } = await runCli(['rollback', runId, '--yes', '--force', '--root', node.root]);
    expect(exitCode).toBe(0);
    const kept = [...stdout.matchAll(/the replaced (\S+) is kept in (\S+)/g)];
    const texts = new Map(
      await Promise.all(kept.map(async ([, of, file = '']) => [of, await readFile(file, 'utf8')] as const)),
    );
    expect([texts.get(CERTIFICATE), texts.get(KEY)]).toEqual(renewed);
  });
});
