import { createObjectChangeKinds, findKind, type ObjectAccess } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore, createFixedClock, type FakeObjectStore } from '@kube-rescue/testing';
import { createChangeRegistry, type StepJournal, WorkflowError } from '@kube-rescue/workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseCertificates } from '../certificate.ts';
import { readAuthorityExchange } from '../objects/authority-exchange.ts';
import { type Issued, issueAuthority } from '../objects/issued.fixture.ts';
import { findFormerAuthorities } from './former-authorities.ts';
import { createObjectTrustStep } from './object-trust-step.ts';

const now = new Date();
const { signal } = new AbortController();
const ROOT = { kind: findKind('configmap'), namespace: 'default', name: 'kube-root-ca.crt' };

let store: FakeObjectStore;
let old: Issued;
let renewed: Issued;

beforeEach(async () => {
  store = createFakeObjectStore();
  [old, renewed] = await Promise.all([issueAuthority('kubernetes'), issueAuthority('kubernetes')]);
});

function plant(name: string, pem: string, namespace = 'default'): void {
  store.plant(findKind('configmap'), { metadata: { name, namespace, uid: name }, data: { 'ca.crt': pem } });
}

async function published(): Promise<string> {
  const read = await store.get(ROOT);
  return (read?.object['data'] as Record<string, string> | undefined)?.['ca.crt'] ?? '';
}

function stepOf(replacement: string, settleMs = 0) {
  const objects: ObjectAccess = { way: { via: 'api', search: {} }, open: async () => store };
  const exchange = readAuthorityExchange({ old: old.certificate, replacement });
  return createObjectTrustStep(
    { id: 'trust/objects', title: 'trust', requires: [], findExchanges: async () => [exchange], settleMs },
    { objects, clock: createFixedClock(now) },
  );
}

/** Makes changes as a run does; `beforehand` is what somebody else does at that moment. */
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
  it('are given both CAs, and the new one alone afterwards', async () => {
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

  it('are looked at again where somebody else writes at the same moment', async () => {
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

  it('are not called done when somebody puts the old CA back', async () => {
    plant('kube-root-ca.crt', old.certificate);
    const step = stepOf(renewed.certificate, 1_000);
    await step.apply(step.plan(await step.check(signal)), journalOf(), signal);
    plant('kube-root-ca.crt', old.certificate);
    expect(await step.verify(signal)).toMatchObject({
      verified: false,
      reason: expect.stringContaining('ConfigMap default/kube-root-ca.crt') as string,
    });
  });

  it('tell which CA of the same name they trusted before', async () => {
    const stranger = await issueAuthority('stranger');
    plant('kube-root-ca.crt', old.certificate + renewed.certificate);
    plant('extension-apiserver-authentication', stranger.certificate + old.certificate, 'kube-system');
    plant('app', old.certificate);
    const [current] = parseCertificates(renewed.certificate, 'new');
    const former = await findFormerAuthorities(current, store, signal);
    expect(former.map(({ x509 }) => x509.toString().trim())).toEqual([old.certificate.trim()]);
  });
});
