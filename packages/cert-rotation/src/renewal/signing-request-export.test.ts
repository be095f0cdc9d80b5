import { type HostPath, hostPath } from '@kube-rescue/host';
import {
  CA_NAMES,
  createFakeHost,
  createFixedClock,
  expectCode,
  LEAF_NAMES,
  type PkiOptions,
} from '@kube-rescue/testing';
import { createAdoptionSteps } from '../adoption/adoption-steps.ts';
import { exportSigningRequests, type RequestExport } from './signing-request-export.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { reportCertificates } from '../judgement/report.ts';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { directJournal, kubeadmNode, type Node, NOW, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';

const { signal } = new AbortController();
const DIRECTORY = hostPath('/requests');
const PKI = '/etc/kubernetes/pki';
const RULES = { keepEverything: true, mayBePartial: true, keepCas: true };

async function exportOf(node: Node, options: Partial<RequestExport> = {}) {
  const localFiles = createFakeHost();
  const inventory = await inspectCertificates(node.input, { host: node.host });
  const requests = await exportSigningRequests({ inventory, directory: DIRECTORY, ...options }, { files: localFiles });
  return { localFiles, requests };
}

type OpenSsl = ReturnType<typeof openOpenSsl>;

/** Signs as an external CA that copies every extension of the request. */
function sign(openssl: OpenSsl, request: string, ca: { certificate: string; key: string }, copy = 'copyall'): string {
  openssl.write('request.csr', request);
  openssl.write('ca.crt', ca.certificate);
  openssl.write('ca.key', ca.key);
  openssl.run('req -in request.csr -noout -verify');
  openssl.run(`x509 -req -in request.csr -CA ca.crt -CAkey ca.key -days 9000 -copy_extensions ${copy} -out signed.crt`);
  return openssl.read('signed.crt');
}

const caOf = (id: string): (typeof CA_NAMES)[number] => {
  if (id.includes('etcd')) return 'etcd/ca';
  return id === 'front-proxy-client' ? 'front-proxy-ca' : 'ca';
};

async function signAll(node: Node, options: Partial<RequestExport> = {}, ids: readonly string[] = LEAF_NAMES) {
  using openssl = openOpenSsl();
  const { localFiles, requests } = await exportOf(node, options);
  for (const { id, path } of requests) {
    if (!ids.includes(id)) continue;
    const signed = sign(openssl, await textAt(localFiles, path), node.pki.pairs[caOf(id)]);
    await localFiles.writeFile(hostPath(`${path}.signed`), Buffer.from(signed), { mode: 0o644 });
  }
  return { localFiles, requests };
}

/** OpenSSL dates its signatures by the machine's clock. */
const LATER = new Date(Math.max(NOW.getTime(), Date.now()) + 60_000);

async function importInto(node: Node, files: Parameters<typeof createAdoptionSteps>[0]['set']['files']) {
  const deps = { host: node.host, clock: createFixedClock(LATER) };
  const done: string[] = [];
  for (const step of await createAdoptionSteps(
    { set: { path: DIRECTORY, files }, node: node.input, rules: RULES },
    deps,
  )) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    await step.apply(step.plan(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    done.push(step.id);
  }
  return done;
}

/** A node whose CA keys are elsewhere. */
const EXTERNAL: PkiOptions = {
  algorithm: 'ecdsa',
  missingCaKeys: CA_NAMES,
  expired: ['apiserver', 'etcd/server', 'admin.conf'],
};

describe('signing requests', () => {
  it.each(['rsa', 'ecdsa'] as const)(
    'have the subject, names and usages of the certificates in use, and OpenSSL agrees (%s)',
    async (algorithm) => {
      const node = await kubeadmNode({ algorithm });
      const { localFiles, requests } = await exportOf(node);
      expect(requests.map(({ id }) => id).toSorted()).toEqual([...LEAF_NAMES].toSorted());
      using openssl = openOpenSsl();
      for (const { id, path, keyPath } of requests) {
        expect(keyPath).toBeNull();
        openssl.write('r.csr', await textAt(localFiles, path));
        openssl.write('old.crt', node.pki.pairs[id as keyof typeof node.pki.pairs].certificate);
        expect(openssl.run('req -in r.csr -noout -pubkey')).toBe(openssl.run('x509 -in old.crt -noout -pubkey'));
        expect(openssl.run('req -in r.csr -noout -subject')).toBe(openssl.run('x509 -in old.crt -noout -subject'));
        const asked = openssl.run('req -in r.csr -noout -text').replaceAll(/\s+/g, ' ');
        const names = openssl.run('x509 -in old.crt -noout -ext subjectAltName,keyUsage,extendedKeyUsage');
        for (const line of names.split('\n').filter((each) => each.startsWith('    ')))
          expect(asked).toContain(line.trim());
      }
    },
  );

  it('come back signed, for kept keys and new ones, and fix the node', async () => {
    for (const options of [{}, { newKeys: true, keyAlgorithm: 'rsa-2048' as const }]) {
      const node = await kubeadmNode(EXTERNAL);
      const { localFiles } = await signAll(node, options);
      expect(await importInto(node, localFiles)).toHaveLength(LEAF_NAMES.length);
      const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: LATER });
      expect(rows.filter(({ status, kind }) => status !== 'ok' && kind !== 'ca')).toEqual([]);
      const isSame = (await textAt(node.host, `${PKI}/apiserver.key`)) === textIn(node.tree, `${PKI}/apiserver.key`);
      expect(isSame).toBe(!('newKeys' in options));
      expect(await importInto(node, localFiles)).toEqual([]);
    }
  });

  it('may come back one by one', async () => {
    const node = await kubeadmNode(EXTERNAL);
    const { localFiles } = await signAll(node, {}, ['apiserver']);
    expect(await importInto(node, localFiles)).toEqual(['adopt/leaf/apiserver']);
    expect(await textAt(node.host, `${PKI}/etcd/server.crt`)).toBe(textIn(node.tree, `${PKI}/etcd/server.crt`));
  });

  it('are refused when they come back without their names, or from another CA', async () => {
    const node = await kubeadmNode(EXTERNAL);
    const { localFiles, requests } = await exportOf(node);
    using openssl = openOpenSsl();
    const path = requests.find(({ id }) => id === 'apiserver')?.path ?? '';
    const request = await textAt(localFiles, path);
    const put = (pem: string) => localFiles.writeFile(hostPath('/requests/x.crt'), Buffer.from(pem), { mode: 0o644 });
    await put(sign(openssl, request, node.pki.pairs.ca, 'none'));
    const { message } = await expectCode(importInto(node, localFiles), 'PKI_SET_UNFIT');
    expect(message).toContain('lacks DNS:kubernetes');
    await put(sign(openssl, request, node.pki.pairs['etcd/ca']));
    expect((await expectCode(importInto(node, localFiles), 'PKI_SET_UNFIT')).message).toContain('has no valid chain');
    const other = await kubeadmNode({ algorithm: 'rsa' });
    await put(sign(openssl, request, other.pki.pairs.ca));
    expect((await expectCode(importInto(node, localFiles), 'PKI_SET_UNFIT')).message).toContain('has no valid chain');
    expect(new X509Certificate(await textAt(node.host, `${PKI}/apiserver.crt`)).serialNumber).toBe(
      new X509Certificate(node.pki.pairs.apiserver.certificate).serialNumber,
    );
  });

  it('are not written over an earlier export, and not at all when one is impossible', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', wrongKey: ['apiserver', 'etcd/peer'] });
    const error = await expectCode(exportOf(node), 'PKI_REQUEST_IMPOSSIBLE');
    expect(error.message).toContain('API server serving certificate');
    expect(error.message).toContain('etcd peer certificate');
    const { localFiles } = await exportOf(node, { newKeys: true });
    const inventory = await inspectCertificates(node.input, { host: node.host });
    const again = exportSigningRequests({ inventory, directory: DIRECTORY, newKeys: true }, { files: localFiles });
    await expectCode(again, 'PKI_REQUEST_EXISTS');
    const modes = await Promise.all(
      ['csr', 'key'].map((end) => localFiles.stat(`${DIRECTORY}/apiserver.${end}` as HostPath)),
    );
    expect(modes.map((stat) => stat?.mode)).toEqual([0o644, 0o600]);
  });
});
