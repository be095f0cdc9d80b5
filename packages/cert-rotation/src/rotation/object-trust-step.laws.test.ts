import { createObjectChangeKinds, findKind, type ObjectAccess } from '@kube-rescue/cluster-objects';
import { createFixedClock, createObjectMachines, type FakeObjectStore, stepLaws } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { parseCertificates } from '@kube-rescue/x509';
import { readCaExchange } from '../objects/ca-exchange.ts';
import { type Issued, issueCa } from '../objects/issued.fixture.ts';
import { findFormerCas } from './former-cas.ts';
import { createObjectTrustStep } from './object-trust-step.ts';

const clock = createFixedClock('2026-11-22T12:00:00Z');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Cas {
  readonly old: Issued;
  readonly fresh: Issued;
}

/** One object of each kind that the cluster itself keeps its CA in. */
function plantTrust(store: FakeObjectStore, ca: string): void {
  const plant = (kind: string, namespace: string | undefined, name: string, fields: object): void => {
    store.plant(findKind(kind), { metadata: namespace === undefined ? { name } : { name, namespace }, ...fields });
  };
  plant('configmap', 'default', 'kube-root-ca.crt', { data: { 'ca.crt': `# kept\n${ca}` } });
  plant('configmap', 'kube-system', 'extension-apiserver-authentication', { data: { 'client-ca-file': ca } });
  plant('secret', 'default', 'default-token', {
    type: 'kubernetes.io/service-account-token',
    data: { 'ca.crt': base64(ca), token: base64('t') },
  });
  const token = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true' };
  plant('secret', 'kube-system', 'bootstrap-token-abcdef', {
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(token).map(([key, text]) => [key, base64(text)])),
  });
  const cluster = `- cluster:\n    certificate-authority-data: ${base64(ca)}\n    server: https://10.9.0.11:6443\n  name: ""\n`;
  const kubeconfig = `apiVersion: v1\nclusters:\n${cluster}kind: Config\n`;
  plant('configmap', 'kube-public', 'cluster-info', { data: { kubeconfig, 'jws-kubeconfig-abcdef': 'x' } });
  plant('apiservice', undefined, 'v1.metrics', { spec: { caBundle: base64(ca) } });
}

function objectLaws(
  title: string,
  trusted: (cas: Cas) => string,
  makeStep: (cas: Cas, objects: ObjectAccess) => Step,
): void {
  stepLaws(title, async () => {
    const now = clock.now();
    const [old, fresh] = await Promise.all([issueCa('kubernetes', { now }), issueCa('kubernetes', { now })]);
    const machines = createObjectMachines((store) => plantTrust(store, trusted({ old, fresh })));
    return {
      ...machines,
      makePlaybook: (host) => {
        const objects: ObjectAccess = {
          source: { via: 'api', search: null },
          open: async () => machines.objectsOf(host),
        };
        const steps = async () => [makeStep({ old, fresh }, objects)];
        return { id: 'trust', title: 'trust', phases: [{ id: 'objects', title: 'objects', steps }] };
      },
      makeKinds: (host) => createObjectChangeKinds(async () => machines.objectsOf(host)),
      clock,
      directories: [],
    };
  });
}

objectLaws(
  'trust of a new CA in objects',
  ({ old }) => old.certificate,
  ({ old, fresh }, objects) => {
    const replacement = old.certificate + fresh.certificate;
    const exchange = readCaExchange({ old: old.certificate, replacement });
    const input = { id: 'trust/objects', title: 'trust both', requires: [], findExchanges: async () => [exchange] };
    return createObjectTrustStep(input, { objects, clock });
  },
);

objectLaws(
  'removal of the former CA from objects',
  ({ old, fresh }) => old.certificate + fresh.certificate,
  ({ fresh }, objects) =>
    createObjectTrustStep(
      {
        ...{ id: 'drop/objects', title: 'trust the new one alone', requires: [] },
        settleMs: 1000,
        findExchanges: async (store, signal) => {
          const [current] = parseCertificates(fresh.certificate, 'new');
          const former = await findFormerCas(current, store, signal);
          return former.map((old) => ({ old, replacement: [current] as const }));
        },
      },
      { objects, clock },
    ),
);
