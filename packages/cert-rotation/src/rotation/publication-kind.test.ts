import { RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore, createFixedClock, type FakeObjectStore, type FixedClock } from '@kube-rescue/testing';
import type { Json } from '@kube-rescue/workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Issued, issueCa } from '../objects/issued.fixture.ts';
import { createPublicationKind, type TrustPublication, trustPublication } from './publication-kind.ts';

const WAY = { via: 'api', search: {} } as const;
const AUTHENTICATION = trustPublication(
  { name: 'extension-apiserver-authentication', field: 'client-ca-file', publisher: 'the API server' },
  WAY,
);
const ROOT = trustPublication({ name: 'kube-root-ca.crt', field: 'ca.crt', publisher: 'kube-controller-manager' }, WAY);

let store: FakeObjectStore;
let clock: FixedClock;
let old: Issued;
let next: Issued;

beforeEach(async () => {
  store = createFakeObjectStore();
  clock = createFixedClock('2026-11-22T12:00:00Z');
  [old, next] = await Promise.all([issueCa('kubernetes'), issueCa('kubernetes')]);
});

function plant({ name, field }: TrustPublication, text: string): void {
  store.plant(RESOURCE_KINDS.ConfigMap, { metadata: { name, namespace: 'kube-system' }, data: { [field]: text } });
}

async function published({ name, field }: TrustPublication): Promise<string | undefined> {
  const read = await store.get({ kind: RESOURCE_KINDS.ConfigMap, namespace: 'kube-system', name });
  return (read?.object['data'] as Record<string, string> | undefined)?.[field];
}

/** Notes what is published, lets it change, and takes it back; `onWrite` is what the publisher does then. */
async function takeBack(change: TrustPublication, changed: string, onWrite: () => void = () => undefined) {
  const kept: Uint8Array[] = [];
  const backup = {
    keep: async (bytes: Uint8Array) => String(kept.push(bytes) - 1),
    read: async (name: string) => kept[Number(name)] ?? new Uint8Array(),
  };
  const replace = async (read: StoredObject, object: Parameters<FakeObjectStore['replace']>[1]) => {
    const written = await store.replace(read, object);
    onWrite();
    return written;
  };
  const kind = createPublicationKind(async () => ({ ...store, replace }), { clock });
  const captured: Json = await kind.capture(change, undefined, backup, undefined);
  plant(change, changed);
  return kind.undo(change, captured, backup);
}

describe('what the control plane publishes of a CA by itself', () => {
  it('is rid of what the API server has added, as often as that puts it back', async () => {
    const stranger = await issueCa('stranger');
    plant(AUTHENTICATION, old.certificate);
    const both = old.certificate + stranger.certificate + next.certificate;
    let times = 20;
    const putBack = (): void => {
      times -= 1;
      if (times > 0) plant(AUTHENTICATION, both);
    };
    expect(await takeBack(AUTHENTICATION, both, putBack)).toEqual({ state: 'undone' });
    expect(times).toBe(0);
    // What is of another name was not of the rotation.
    expect(await published(AUTHENTICATION)).toBe(old.certificate + stranger.certificate);
  });

  it('is left, and told of, when the API server never stops to trust it', async () => {
    plant(AUTHENTICATION, old.certificate);
    const both = old.certificate + next.certificate;
    const outcome = await takeBack(AUTHENTICATION, both, () => plant(AUTHENTICATION, both));
    expect(outcome).toMatchObject({ state: 'foreign', reason: expect.stringContaining('the API server') as string });
  });

  it('is waited for where kube-controller-manager hands it out, and not written', async () => {
    plant(ROOT, old.certificate);
    const { sleep } = clock;
    let naps = 0;
    clock = {
      ...clock,
      sleep: async (ms, signal) => {
        naps += 1;
        if (naps === 12) plant(ROOT, old.certificate);
        await sleep(ms, signal);
      },
    };
    expect(await takeBack(ROOT, old.certificate + next.certificate)).toEqual({ state: 'undone' });
    expect(naps).toBeGreaterThanOrEqual(12);
    expect(store.writes).toBe(0);
  });

  it('is waited for until the former CA is trusted again', async () => {
    plant(ROOT, old.certificate + next.certificate);
    expect(await takeBack(ROOT, next.certificate)).toMatchObject({ state: 'foreign' });
  });

  it('is nothing to be taken back where it is as it was, or was never published', async () => {
    plant(ROOT, old.certificate);
    expect(await takeBack(ROOT, old.certificate)).toEqual({ state: 'already' });
    expect(await takeBack(AUTHENTICATION, next.certificate)).toEqual({ state: 'already' });
  });
});
