import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlantedNode, plantNode, runCli } from './cli-process.fixture.ts';

const run = promisify(execFile);

let node: PlantedNode;
let other: PlantedNode;
let localFiles: string;

beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver', 'etcd/ca'] });
  other = await plantNode({ algorithm: 'ecdsa' });
  localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-certs-'));
});

afterAll(async () => {
  await Promise.all([node.remove(), other.remove(), rm(localFiles, { recursive: true })]);
});

const certs = (...args: readonly string[]) => runCli(['certs', ...args, '--root', node.root]);

async function documentOf(...args: readonly string[]) {
  const { exitCode, stdout } = await certs(...args, '--json');
  return { exitCode, document: JSON.parse(stdout) as { ok: boolean; result?: object; error?: { code: string } } };
}

describe('certs check', () => {
  it('exits 3 for an expired certificate whatever --fail-within is, and 0 when none expires within that time', async () => {
    expect((await certs('check', '--fail-within', '0d')).exitCode).toBe(3);
    const sound = (...args: readonly string[]) => runCli(['certs', 'check', ...args, '--root', other.root]);
    expect((await sound('--fail-within', '30d')).exitCode).toBe(0);
    expect((await sound('--fail-within', '300d')).exitCode).toBe(3);
    expect((await sound('--warn-within', '300d', '--fail-within', '30d')).exitCode).toBe(0);
  });

  it('exits 3 when a flag names a certificate that the program cannot open', async () => {
    const odd = await plantNode({ algorithm: 'ecdsa' });
    const manifest = path.join(odd.root, 'etc/kubernetes/manifests/kube-apiserver.yaml');
    const text = await readFile(manifest, 'utf8');
    await writeFile(
      manifest,
      text.replace(/( +- )--etcd-servers/, '$1--oidc-ca-file=/etc/oidc/ca.crt\n$1--etcd-servers'),
    );
    const check = (...args: readonly string[]) => runCli(['certs', 'check', ...args, '--root', odd.root]);
    const { exitCode, stdout } = await check();
    expect(exitCode).toBe(3);
    expect(stdout).toContain('--oidc-ca-file=/etc/oidc/ca.crt: no volume of the pod mounts it');
    expect(stdout).toMatch(/all valid; 1 problem of flags/);
    expect((await check('--output', 'prometheus')).stdout).toContain(
      'kube_rescue_certificates_flag_problem{code="FLAG_FILE_MISSING"} 1',
    );
    await odd.remove();
  });

  it('exits 3 for a drop-in that stops the kubelet, and nothing is planned then', async () => {
    const odd = await plantNode({ algorithm: 'ecdsa' });
    const unit = path.join(odd.root, 'etc/systemd/system/kubelet.service');
    const dropIn = path.join(odd.root, 'etc/kubernetes/kubelet.conf.d/20-kubelet.conf');
    await mkdir(path.dirname(unit), { recursive: true });
    await mkdir(path.dirname(dropIn), { recursive: true });
    await writeFile(
      unit,
      '[Service]\nExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --config-dir=/etc/kubernetes/kubelet.conf.d --kubeconfig=/etc/kubernetes/kubelet.conf\n',
    );
    await writeFile(dropIn, '\n');
    const on = ['--root', odd.root];
    const [checked, triaged, planned] = await Promise.all([
      runCli(['certs', 'check', ...on]),
      runCli(['triage', ...on]),
      runCli(['plan', ...on]),
    ]);
    expect([checked.exitCode, triaged.exitCode, planned.exitCode]).toEqual([3, 3, 4]);
    expect(triaged.stdout).toContain('KUBELET_CONFIGURATION_INVALID');
    expect(planned.stderr).toContain('/etc/kubernetes/kubelet.conf.d/20-kubelet.conf');
    await odd.remove();
  });

  it('exits 3 for a serving certificate that the kubelet requests and lacks, and certs renew says who approves it', async () => {
    const odd = await plantNode({ algorithm: 'ecdsa' });
    const config = path.join(odd.root, 'var/lib/kubelet/config.yaml');
    await writeFile(config, `${await readFile(config, 'utf8')}serverTLSBootstrap: true\n`);
    const on = ['--root', odd.root];
    const [checked, renewed, named] = await Promise.all([
      runCli(['certs', 'check', ...on]),
      runCli(['certs', 'renew', '--dry-run', ...on]),
      runCli(['certs', 'renew', 'kubelet-serving', '--dry-run', ...on]),
    ]);
    expect([checked.exitCode, named.exitCode]).toEqual([3, 4]);
    for (const { stderr } of [renewed, named])
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain('kubectl certificate approve');
    await odd.remove();
  });

  it('writes metrics alone to the standard output, and one document for --output json', async () => {
    const metrics = await certs('check', '--output', 'prometheus');
    expect(metrics.exitCode).toBe(0);
    expect(metrics.stdout).toMatch(/^# HELP kube_rescue_certificate_not_after_timestamp_seconds /);
    expect(metrics.stdout).toMatch(/kube_rescue_certificate_problem\{id="ca\/etcd",.*code="PKI_CA_EXPIRED".*\} 1\n/);
    const json = await certs('check', '--output', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, result: { certificates: expect.any(Array) } });
    const failed = await runCli(['certs', 'check', '--output', 'json', '--root', '/does/not/exist']);
    expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false, error: { code: 'USAGE' } });
  });
});

describe('certs inspect', () => {
  it('shows a certificate by ID, by file of the node and by local file', async () => {
    expect(await documentOf('inspect', 'apiserver')).toMatchObject({
      exitCode: 3,
      document: { result: { certificates: [{ subject: 'CN=kube-apiserver', keyMatches: true }] } },
    });
    expect(await documentOf('inspect', '/etc/kubernetes/admin.conf')).toMatchObject({ exitCode: 0 });
    const own = path.join(localFiles, 'own.pem');
    await writeFile(own, node.pki.pairs['etcd/peer'].certificate);
    const relative = path.relative(process.cwd(), own);
    expect(await documentOf('inspect', relative)).toMatchObject({ exitCode: 0 });
    expect(await documentOf('inspect', '/nothing')).toMatchObject({
      exitCode: 4,
      document: { ok: false, error: { code: 'PKI_CERTIFICATE_MISSING' } },
    });
  });
});

describe('certs renew', () => {
  it('refuses a SAN without exactly one certificate, an invalid SAN, and a key algorithm without new keys', async () => {
    expect(await documentOf('renew', '--add-san', 'x', '--dry-run')).toMatchObject({ exitCode: 2 });
    expect(await documentOf('renew', 'apiserver', '--add-san', 'x:1', '--dry-run')).toMatchObject({
      exitCode: 2,
      document: { error: { code: 'PKI_NAME_INVALID' } },
    });
    expect(await documentOf('renew', '--key-algorithm', 'ecdsa-p256', '--dry-run')).toMatchObject({ exitCode: 2 });
    expect(await documentOf('renew', 'apiserver', '--add-san', 'api.example.com', '--dry-run')).toMatchObject({
      exitCode: 3,
    });
  });
});

describe('a valid certificate', () => {
  const files = ['apiserver.crt', 'apiserver.key', 'apiserver-kubelet-client.crt'] as const;
  let sound: PlantedNode;
  const pki = () =>
    Promise.all(files.map((file) => readFile(path.join(sound.root, 'etc/kubernetes/pki', file), 'utf8')));
  const on = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await runCli([...args, '--root', sound.root, '--json']);
    return { exitCode, stderr, document: JSON.parse(stdout) as { warnings: string[]; error?: { code: string } } };
  };

  beforeAll(async () => {
    sound = await plantNode({ algorithm: 'ecdsa' });
  });
  afterAll(() => sound.remove());

  it('is renewed when it is named, with the same key and lifetime', async () => {
    const [old = '', key, neighbour] = await pki();
    expect(await on('certs', 'renew', 'apiserver', '--yes')).toMatchObject({ exitCode: 0 });
    const [made = '', ...others] = await pki();
    expect(others).toEqual([key, neighbour]);
    const days = (pem: string): number => {
      const { validFromDate, validToDate } = new X509Certificate(pem);
      return Math.round((validToDate.getTime() - validFromDate.getTime()) / (24 * 60 * 60 * 1000));
    };
    expect(made).not.toBe(old);
    expect(days(made)).toBe(days(old));
  });

  it('gets a new key of the named algorithm and the named lifetime', async () => {
    const flags = ['--new-keys', '--key-algorithm', 'rsa-2048', '--days', '30'];
    expect(await on('certs', 'renew', 'apiserver', ...flags, '--yes')).toMatchObject({ exitCode: 0 });
    const [certificate = ''] = await pki();
    const { publicKey, validToDate } = new X509Certificate(certificate);
    expect(publicKey.asymmetricKeyType).toBe('rsa');
    expect(validToDate.getTime()).toBeLessThan(Date.now() + 31 * 24 * 60 * 60 * 1000);
  });

  it.each([
    ['certs renew', '--new-keys'],
    ['certs renew', '--days'],
    ['recover', '--new-keys'],
    ['recover', '--days'],
  ])('%s refuses %s where nothing is renewed, and changes nothing', async (command, flag) => {
    const before = await pki();
    const given = flag === '--days' ? [flag, '30'] : [flag];
    for (const mode of ['--yes', '--dry-run']) {
      expect(await on(...command.split(' '), ...given, '--renew-within', '0', mode)).toMatchObject({
        exitCode: 4,
        document: { error: { code: 'RENEWAL_NOT_DUE', subject: flag } },
      });
    }
    expect(await pki()).toEqual(before);
  });

  it('is listed when the flags renew others only', async () => {
    const { exitCode, document } = await documentOf('renew', '--new-keys', '--skip', 'pki/renew/etcd', '--dry-run');
    expect(exitCode).toBe(3);
    expect(document).toMatchObject({
      warnings: [expect.stringMatching(/^--new-keys does not apply to \d+ certificates that are not renewed: /)],
    });
  });
});

describe('certs rotate-ca', () => {
  it('refuses to run without a stage, and refuses a CA that this node does not have', async () => {
    expect(await documentOf('rotate-ca', 'etcd', '--dry-run')).toMatchObject({ exitCode: 2 });
    expect(await documentOf('rotate-ca', 'nonsense', '--same-key', '--dry-run')).toMatchObject({ exitCode: 2 });
    expect(await documentOf('rotate-ca', 'etcd-peer', '--same-key', '--dry-run')).toMatchObject({
      exitCode: 2,
      document: { error: { code: 'PKI_CERTIFICATE_UNKNOWN' } },
    });
  });

  it('shows the stage of a CA, and starts no rotation while the cluster is down', async () => {
    expect(await documentOf('rotate-ca', 'cluster')).toMatchObject({
      exitCode: 0,
      document: { result: { ca: 'cluster', stage: 'settled', next: null, certificates: [{ role: 'signs' }] } },
    });
    expect(await documentOf('rotate-ca', 'cluster', '--stage', 'trust', '--dry-run')).toMatchObject({
      exitCode: 4,
      document: { error: { code: 'NODE_NOT_LIVE' } },
    });
    expect(await documentOf('rotate-ca', 'cluster', '--resume')).toMatchObject({ exitCode: 2 });
  });

  it('reissues a CA with the same key, and rolls the run back', async () => {
    const planted = await plantNode({ algorithm: 'ecdsa' });
    const file = path.join(planted.root, 'etc/kubernetes/pki/front-proxy-ca.crt');
    const before = await readFile(file);
    const flags = ['--root', planted.root, '--yes', '--json'];
    const done = await runCli(['certs', 'rotate-ca', 'front-proxy', '--same-key', ...flags]);
    const { result } = JSON.parse(done.stdout) as { result: { runId: string; outcome: string } };
    expect({ exitCode: done.exitCode, outcome: result.outcome }).toEqual({ exitCode: 0, outcome: 'done' });
    expect(await readFile(file)).not.toEqual(before);
    await runCli(['rollback', result.runId, ...flags]);
    expect(await readFile(file)).toEqual(before);
    await planted.remove();
  });
});

describe('certs rotate-sa', () => {
  it('shows the stage and the IDs of the keys, and starts no rotation while the cluster is down', async () => {
    expect(await documentOf('rotate-sa')).toMatchObject({
      exitCode: 0,
      document: { result: { stage: 'settled', next: null, keys: [{ role: 'signs' }] } },
    });
    expect(await documentOf('rotate-sa', '--stage', 'publish', '--dry-run')).toMatchObject({
      exitCode: 4,
      document: { error: { code: 'NODE_NOT_LIVE' } },
    });
  });

  it('refuses to run without a stage, and to run every stage at once without revoking tokens', async () => {
    expect(await documentOf('rotate-sa', '--dry-run')).toMatchObject({ exitCode: 2 });
    expect(await documentOf('rotate-sa', '--resume')).toMatchObject({ exitCode: 2 });
    expect(await documentOf('rotate-sa', '--all-stages', '--yes')).toMatchObject({ exitCode: 2 });
  });
});

describe('certs adopt', () => {
  it('refuses a set that does not fit with exit 4, and installs one that does', async () => {
    const empty = path.join(localFiles, 'empty');
    await run('mkdir', [empty]);
    expect(await documentOf('adopt', empty, '--yes')).toMatchObject({
      exitCode: 4,
      document: { error: { code: 'PKI_SET_UNFIT' } },
    });
    expect(await readdir(path.join(node.root, 'var/lib'))).toEqual(['kubelet']);
    const planted = await plantNode({ expired: ['apiserver', 'etcd/ca'] });
    const ended = await runCli(['certs', 'adopt', other.root, '--root', planted.root, '--yes', '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: true, result: { outcome: 'done' } });
    expect((await runCli(['certs', 'check', '--root', planted.root])).exitCode).toBe(0);
    for (const key of [...other.pki.privateKeys, ...planted.pki.privateKeys]) {
      expect(ended.stdout + ended.stderr).not.toContain(key.split('\n')[2]);
    }
    await planted.remove();
  });
});

describe('certs csr', () => {
  it('exports requests once, and imports the signed certificates', async () => {
    const planted = await plantNode({ expired: ['apiserver'] });
    const requests = path.join(localFiles, 'requests');
    const on = ['--root', planted.root];
    const exported = await runCli(['certs', 'csr', 'export', requests, '--new-keys', ...on]);
    expect(exported.exitCode).toBe(0);
    expect(await readdir(requests)).toContain('apiserver.csr');
    const again = await runCli(['certs', 'csr', 'export', requests, '--new-keys', '--json', ...on]);
    expect(again.exitCode).toBe(4);
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'PKI_REQUEST_EXISTS' } });
    const pki = path.join(planted.root, 'etc/kubernetes/pki');
    const sign = ['-CA', `${pki}/ca.crt`, '-CAkey', `${pki}/ca.key`, '-copy_extensions', 'copyall', '-days', '30'];
    await run('openssl', [
      'x509',
      '-req',
      '-in',
      `${requests}/apiserver.csr`,
      ...sign,
      '-out',
      `${requests}/signed.pem`,
    ]);
    const imported = await runCli(['certs', 'csr', 'import', requests, '--yes', '--json', ...on]);
    expect(JSON.parse(imported.stdout)).toMatchObject({ ok: true, result: { outcome: 'done' } });
    expect((await runCli(['certs', 'check', '--fail-within', '0d', ...on])).exitCode).toBe(0);
    await planted.remove();
  });
});

describe('certs reissue-cas', () => {
  it('issues expired CAs once, and recover --cas installs the same bytes on another node of the cluster', async () => {
    const [first, second] = await Promise.all([
      plantNode({ algorithm: 'ecdsa', expired: ['ca', 'etcd/ca', 'front-proxy-ca', 'apiserver'] }),
      mkdtemp(path.join(tmpdir(), 'kube-rescue-second-')),
    ]);
    await run('cp', ['-a', `${first.root}/.`, second]);
    const out = path.join(localFiles, 'cas');
    const issued = await runCli(['certs', 'reissue-cas', '--out', out, '--root', first.root]);
    expect(issued).toMatchObject({ exitCode: 0 });
    expect(issued.stdout).toContain(`kube-rescue recover --root ${first.root} --cas ${out}`);
    expect((await readdir(out)).toSorted()).toEqual(['ca.crt', 'etcd', 'front-proxy-ca.crt']);
    const again = await runCli(['certs', 'reissue-cas', '--out', out, '--root', first.root, '--json']);
    expect([again.exitCode, JSON.parse(again.stdout)]).toMatchObject([4, { error: { code: 'PKI_REQUEST_EXISTS' } }]);
    for (const root of [first.root, second]) {
      const recovered = await runCli(['recover', '--cas', out, '--yes', '--json', '--root', root]);
      expect(JSON.parse(recovered.stdout)).toMatchObject({ ok: true, result: { outcome: 'done' } });
      for (const name of ['ca.crt', 'etcd/ca.crt', 'front-proxy-ca.crt']) {
        const installed = await readFile(path.join(root, 'etc/kubernetes/pki', name));
        expect(installed).toEqual(await readFile(path.join(out, name)));
      }
      expect((await runCli(['certs', 'check', '--root', root])).exitCode).toBe(0);
    }
    await Promise.all([first.remove(), rm(second, { recursive: true })]);
  });

  it('writes nothing for CAs that are valid, and recover refuses the CA of another cluster by name', async () => {
    const out = path.join(localFiles, 'none');
    const valid = await runCli(['certs', 'reissue-cas', '--out', out, '--root', other.root, '--json']);
    expect([valid.exitCode, JSON.parse(valid.stdout)]).toMatchObject([0, { result: { cas: [] } }]);
    await expect(readdir(out)).rejects.toThrow('ENOENT');
    expect(await runCli(['certs', 'reissue-cas', 'cluster', '--out', out, '--root', other.root])).toMatchObject({
      exitCode: 0,
    });
    const refused = await runCli(['recover', '--cas', out, '--yes', '--json', '--root', node.root]);
    expect([refused.exitCode, JSON.parse(refused.stdout)]).toMatchObject([4, { error: { code: 'PKI_SET_UNFIT' } }]);
    expect(refused.stdout).toContain('is of another CA');
  });
});
