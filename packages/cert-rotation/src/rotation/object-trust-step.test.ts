import { changeObject, createObjectChangeKinds, findKind, type ObjectAccess } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore, createFixedClock, expectCode, type FakeObjectStore } from '@kube-rescue/testing';
import { createChangeRegistry, type StepJournal, WorkflowError } from '@kube-rescue/workflow';
import { parseCertificates } from '@kube-rescue/x509';
import { beforeEach, describe, expect, it } from 'vitest';
import { readCaExchange } from '../objects/ca-exchange.ts';
import { type Issued, issueCa, issueLeaf } from '../objects/issued.fixture.ts';
import { findFormerCas } from './former-cas.ts';
import { createObjectTrustStep } from './object-trust-step.ts';

const now = new Date();
const { signal } = new AbortController();
const ROOT = { kind: findKind('configmap'), namespace: 'default', name: 'kube-root-ca.crt' };

let store: FakeObjectStore;
let old: Issued;
let renewed: Issued;

beforeEach(async () => {
  store = createFakeObjectStore();
  [old, renewed] = await Promise.all([issueCa('kubernetes'), issueCa('kubernetes')]);
});

function plant(name: string, pem: string, namespace = 'default'): void {
  store.plant(findKind('configmap'), { metadata: { name, namespace, uid: name }, data: { 'ca.crt': pem } });
}

async function published(): Promise<string> {
  const read = await store.get(ROOT);
  return (read?.object['data'] as Record<string, string> | undefined)?.['ca.crt'] ?? '';
}

function stepOf(replacement: string, settleMs = 0, open: ObjectAccess['open'] = async () => store) {
  const objects: ObjectAccess = { source: { via: 'api', search: {} }, open };
  const exchange = readCaExchange({ old: old.certificate, replacement });
  return createObjectTrustStep(
    { id: 'trust/objects', title: 'trust', requires: [], findExchanges: async () => [exchange], settleMs },
    { objects, clock: createFixedClock(now) },
  );
}

/** Makes changes as a run does; `beforehand` is the write of another client at that moment. */
function journalOf(beforehand: () => void = () => undefined): StepJournal {
  const kinds = createChangeRegistry(createObjectChangeKinds(async () => store));
  return {
    perform: async (edits) => {
      beforehand();
      for (const { change, material } of edits) {
        const message = await kinds.get(change.kind)?.staleness(change);
        if (message !== undefined) throw new WorkflowError({ code: 'PLAN_STALE', message });
        await kinds.get(change.kind)?.apply(change, material);
      }
    },
    waitingFor: () => undefined,
  };
}

describe('the objects of a cluster whose CA is rotated', () => {
  it('are planned without a write, and need no change after apply', async () => {
    plant('kube-root-ca.crt', old.certificate);
    plant('kube-root-ca.crt', old.certificate, 'kube-system');
    const step = stepOf(renewed.certificate);
    const finding = await step.check(signal);
    expect(finding).toMatchObject({ status: 'needed', summary: '2 objects must trust another CA' });
    expect(store.writes).toBe(0);
    const changes = step.plan(finding);
    expect(JSON.parse(JSON.stringify(changes))).toEqual(changes);
    expect(await step.verify(signal)).toMatchObject({ verified: false });
    await step.apply(changes, journalOf(), signal);
    const verdict = await step.verify(signal);
    expect(verdict).toMatchObject({ verified: true });
    expect(verdict).not.toHaveProperty('warnings');
    expect(await step.check(signal)).toMatchObject({ status: 'ok', changes: [] });
  });

  it('keep what another client has written since the plan', async () => {
    plant('kube-root-ca.crt', old.certificate);
    const step = stepOf(renewed.certificate);
    const changes = step.plan(await step.check(signal));
    await changeObject(store, ROOT, (object) => ({ ...object, data: { ...(object.data as object), theirs: 'kept' } }));
    await step.apply(changes, journalOf(), signal);
    expect((await store.get(ROOT))?.object.data).toEqual({ 'ca.crt': renewed.certificate, theirs: 'kept' });
  });

  it('have an unknown state when the API server cannot be reached', async () => {
    const failing = await expectCode(store.get({ kind: findKind('secret'), name: 'a' }), 'OBJECT_INVALID');
    const step = stepOf(renewed.certificate, 0, () => Promise.reject(failing));
    expect(await step.check(signal)).toMatchObject({ status: 'unknown', code: 'OBJECT_INVALID', changes: [] });
  });

  it('are left alone with a warning when they belong to a workload', async () => {
    const leaf = await issueLeaf('app', { issuer: old });
    const data = { 'tls.crt': Buffer.from(leaf.certificate + old.certificate).toString('base64') };
    store.plant(findKind('secret'), { metadata: { name: 'app', namespace: 'default' }, data });
    const warnings = ['Secret default/app tls.crt is left alone: it belongs to a workload'];
    expect(await stepOf(renewed.certificate).verify(signal)).toMatchObject({ verified: true, warnings });
  });

  it('trust both CAs, and later only the new one', async () => {
    plant('kube-root-ca.crt', old.certificate);
    const both = stepOf(old.certificate + renewed.certificate);
    const finding = await both.check(signal);
    expect(finding).toMatchObject({ status: 'needed', summary: '1 object must trust another CA' });
    await both.apply(both.plan(finding), journalOf(), signal);
    expect(await published()).toBe(old.certificate + renewed.certificate);
    expect(await both.verify(signal)).toMatchObject({ verified: true });
    expect(await both.check(signal)).toMatchObject({ status: 'ok', changes: [] });
    const alone = stepOf(renewed.certificate);
    await alone.apply(alone.plan(await alone.check(signal)), journalOf(), signal);
    expect(await published()).toBe(renewed.certificate);
  });

  it('are read again when another client writes at the same moment', async () => {
    plant('kube-root-ca.crt', old.certificate);
    const step = stepOf(renewed.certificate);
    let races = 2;
    const race = (): void => {
      races -= 1;
      if (races >= 0) plant('kube-root-ca.crt', `${old.certificate}# ${races}\n`);
    };
    await step.apply(step.plan(await step.check(signal)), journalOf(race), signal);
    expect(await published()).toContain(renewed.certificate.trim());
    expect(races).toBeLessThan(0);
  });

  it('drop two former CAs at once, one of them from an abandoned rotation', async () => {
    const abandoned = await issueCa('kubernetes');
    plant('kube-root-ca.crt', abandoned.certificate + old.certificate + renewed.certificate);
    const exchanges = [old, abandoned].map(({ certificate }) =>
      readCaExchange({ old: certificate, replacement: renewed.certificate }),
    );
    const step = createObjectTrustStep(
      { id: 'drop/objects', title: 'drop', requires: [], findExchanges: async () => exchanges },
      { objects: { source: { via: 'api', search: {} }, open: async () => store }, clock: createFixedClock(now) },
    );
    await step.apply(step.plan(await step.check(signal)), journalOf(), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    expect(await published()).toBe(renewed.certificate);
  });

  it('are not verified when another client restores the old CA', async () => {
    plant('kube-root-ca.crt', old.certificate);
    const step = stepOf(renewed.certificate, 1_000);
    await step.apply(step.plan(await step.check(signal)), journalOf(), signal);
    plant('kube-root-ca.crt', old.certificate);
    expect(await step.verify(signal)).toMatchObject({
      verified: false,
      reason: expect.stringContaining('ConfigMap default/kube-root-ca.crt') as string,
    });
  });

  it('show which former CAs of the same name they still trust', async () => {
    const stranger = await issueCa('stranger');
    plant('kube-root-ca.crt', old.certificate + renewed.certificate);
    plant('extension-apiserver-authentication', stranger.certificate + old.certificate, 'kube-system');
    plant('app', old.certificate);
    const [current] = parseCertificates(renewed.certificate, 'new');
    const former = await findFormerCas(current, store, signal);
    expect(former.map(({ x509 }) => x509.toString().trim())).toEqual([old.certificate.trim()]);
  });
});
