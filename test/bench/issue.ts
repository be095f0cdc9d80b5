import { inspectCertificates } from '@kube-rescue/cert-rotation';
import { issueCertificate, planValidity } from '@kube-rescue/x509';
import { hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost } from '@kube-rescue/testing';
import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BenchResult } from './bench.ts';

const LEAVES = 1_000;
const PEERS = 50;
const DAYS = 365;

/** A thousand leaves signed by an RSA-2048 CA, each from an old certificate as the template and verified. */
export async function run(): Promise<BenchResult> {
  const { tree, pairs } = await buildPki();
  const host = createFakeHost({ tree });
  const flags = new Map([
    ['tls-cert-file', '/etc/kubernetes/pki/apiserver.crt'],
    ['tls-private-key-file', '/etc/kubernetes/pki/apiserver.key'],
  ]);
  const components = [{ component: 'kube-apiserver', source: hostPath('/manifest'), flags } as const];
  const inventory = await inspectCertificates(
    { components, kubernetesDirectory: hostPath('/etc/kubernetes') },
    { host },
  );
  const template = inventory.certificates.find(({ id }) => id === 'apiserver')?.certificate;
  const issuer = inventory.cas.find(({ id }) => id === 'cluster')?.issuer;
  if (template?.ok !== true || issuer?.ok !== true) throw new Error('the node has no such certificates');
  const started = performance.now();
  for (let count = 0; count < LEAVES; count += 1) {
    issueCertificate({
      template: template.value,
      issuer: { ...issuer.value, keySource: issuer.value.keyPath },
      validity: planValidity(issuer.value.certificate, new Date(), DAYS),
      subject: 'a leaf',
    });
  }
  const ours = (performance.now() - started) / 1000;
  return {
    name: 'issue',
    rows: [
      {
        what: `${LEAVES} leaves with their keys`,
        peerName: `openssl x509 -req, measured on ${PEERS} and scaled`,
        ...{ ours, peer: measureOpenSsl(pairs.ca, pairs.apiserver.key), unit: 's', target: undefined },
      },
    ],
  };
}

function measureOpenSsl(ca: { readonly certificate: string; readonly key: string }, key: string): number {
  const directory = mkdtempSync(path.join(tmpdir(), 'kube-rescue-issue-'));
  const at = (name: string): string => path.join(directory, name);
  try {
    writeFileSync(at('ca.crt'), ca.certificate);
    writeFileSync(at('ca.key'), ca.key);
    writeFileSync(at('leaf.key'), createPrivateKey(key).export({ format: 'pem', type: 'pkcs8' }));
    execFileSync('openssl', ['req', '-new', '-key', at('leaf.key'), '-subj', '/CN=leaf', '-out', at('leaf.csr')]);
    const sign = ['x509', '-req', '-in', at('leaf.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-days', '365'];
    const started = performance.now();
    for (let count = 0; count < PEERS; count += 1) {
      execFileSync('openssl', [...sign, '-CAcreateserial', '-out', at('leaf.crt')], { stdio: 'ignore' });
    }
    return ((performance.now() - started) / 1000 / PEERS) * LEAVES;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
