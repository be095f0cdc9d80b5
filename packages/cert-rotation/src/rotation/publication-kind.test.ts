import { RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore, createFixedClock, type FakeObjectStore, type FixedClock } from '@kube-rescue/testing';
import type { Json } from '@kube-rescue/workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Issued, issueCa } from '../objects/issued.fixture.ts';
import { createPublicationKind, type TrustPublication, trustPublication } from './publication-kind.ts';

const SOURCE = { via: 'api', search: {} } as const;
const AUTHENTICATION = trustPublication(
  { name: 'extension-apiserver-authentication', field: 'client-ca-file', publisher: 'the API server' },
  SOURCE,
);
const ROOT = trustPublication(
  { name: 'kube-root-ca.crt', field: 'ca.crt', publisher: 'kube-controller-manager' },
  SOURCE,
);

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

/** Records the publication, changes it, and rolls it back; `onWrite` is the reaction of the publisher. */
async function rollBack(change: TrustPublication, changed: string, onWrite: () => void = () => undefined) {
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

describe('a CA that the control plane publishes', () => {
  it('loses what the API server has added, however often the API server restores it', async () => {
    const stranger = await issueCa('stranger');
    plant(AUTHENTICATION, old.certificate);
    const both = old.certificate + stranger.certificate + next.certificate;
    let times = 20;
    const restore = (): void => {
      times -= 1;
      if (times > 0) plant(AUTHENTICATION, both);
    };
    expect(await rollBack(AUTHENTICATION, both, restore)).toEqual({ state: 'undone' });
    expect(times).toBe(0);
    // A CA of another name is not from the rotation.
    expect(await published(AUTHENTICATION)).toBe(old.certificate + stranger.certificate);
  });

  it('is reported when the API server never stops trusting it', async () => {
    plant(AUTHENTICATION, old.certificate);
    const both = old.certificate + next.certificate;
    const outcome = await rollBack(AUTHENTICATION, both, () => plant(AUTHENTICATION, both));
    expect(outcome).toMatchObject({ state: 'foreign', reason: expect.stringContaining('the API server') as string });
  });

  it('is awaited, not written, where kube-controller-manager publishes it', async () => {
    plant(ROOT, old.certificate);
    const { sleep } = clock;
    let sleeps = 0;
    clock = {
      ...clock,
      sleep: async (ms, signal) => {
        sleeps += 1;
        if (sleeps === 12) plant(ROOT, old.certificate);
        await sleep(ms, signal);
      },
    };
    expect(await rollBack(ROOT, old.certificate + next.certificate)).toEqual({ state: 'undone' });
    expect(sleeps).toBeGreaterThanOrEqual(12);
    expect(store.writes).toBe(0);
  });

  it('is awaited until the former CA is trusted again', async () => {
    plant(ROOT, old.certificate + next.certificate);
    expect(await rollBack(ROOT, next.certificate)).toMatchObject({ state: 'foreign' });
  });

  it('needs no rollback when it is unchanged, or was never published', async () => {
    plant(ROOT, old.certificate);
    expect(await rollBack(ROOT, old.certificate)).toEqual({ state: 'already' });
    expect(await rollBack(AUTHENTICATION, next.certificate)).toEqual({ state: 'already' });
  });
});
