import { hostPath } from '@kube-rescue/host';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import { type Edit, type Finding, readBefore, type Step } from '@kube-rescue/workflow';
import type { ObjectReference, ObjectStore } from '../object-store.ts';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';
import { createEdit, createObjectChangeKinds, deleteEdit, type ObjectSource, replaceEdit } from './index.ts';

const SOURCE: ObjectSource = { via: 'etcd', search: null };
const FILE = hostPath('/etc/kubernetes/beside');
const named = (name: string): ObjectReference => ({ kind: RESOURCE_KINDS.ConfigMap, namespace: 'default', name });

interface EditFinding extends Finding {
  readonly edits: readonly Edit[];
}

/** One unit that creates, replaces and deletes objects, and writes a file between them. */
function objectStep(store: ObjectStore, files: Parameters<typeof readBefore>[0]): Step<EditFinding> {
  let edits: readonly Edit[] = [];
  const findEdits = async (): Promise<readonly Edit[]> => {
    const [old, doomed, young] = await Promise.all(['old', 'doomed', 'young'].map((name) => store.get(named(name))));
    const before = await readBefore(files, FILE);
    const found: Edit[] = [];
    if (young === undefined) {
      const metadata = { name: 'young', namespace: 'default' };
      found.push(createEdit(SOURCE, RESOURCE_KINDS.ConfigMap, { apiVersion: 'v1', kind: 'ConfigMap', metadata }));
    }
    if (before === 'absent') {
      const target = { target: FILE, before, after: 'generated', mode: 0o640, uid: 7, gid: 8 };
      found.push({ change: { kind: 'file.replace', ...target }, material: Buffer.from('beside') });
    }
    const data = { ca: 'new', kept: 'as it was' };
    if (old !== undefined && JSON.stringify(old.object['data']) !== JSON.stringify(data)) {
      found.push(replaceEdit(SOURCE, old, { ...old.object, data }));
    }
    return doomed === undefined ? found : [...found, deleteEdit(SOURCE, doomed)];
  };
  return {
    id: 'objects',
    title: 'change objects',
    requires: [],
    reversible: 'yes',
    check: async () => {
      edits = await findEdits();
      const status = edits.length === 0 ? 'ok' : 'needed';
      return { status, summary: `${edits.length} edits`, evidence: [], edits };
    },
    plan: ({ edits: found }) => found.map(({ change }) => change),
    apply: async (_changes, journal) => journal.perform(edits),
    verify: async () =>
      (await findEdits()).length === 0 ? { verified: true, evidence: [] } : { verified: false, reason: 'still old' },
  };
}

// A write to etcd is a write like any other: killed before and after it, refused, or made with its answer lost.
stepLaws('objects of the cluster: create, replace, delete', () => {
  const { makeHost, objectsOf, readState } = createObjectMachines((store) => {
    store.plant(RESOURCE_KINDS.ConfigMap, {
      metadata: { name: 'old', namespace: 'default' },
      data: { ca: 'old', kept: 'as it was' },
    });
    store.plant(RESOURCE_KINDS.ConfigMap, { metadata: { name: 'doomed', namespace: 'default' }, data: { a: '1' } });
  });
  return {
    makeHost: async () => {
      const host = await makeHost();
      await host.makeDirectory(hostPath('/etc/kubernetes'), { mode: 0o755 });
      return host;
    },
    makePlaybook: (host) => {
      const steps = async () => [objectStep(objectsOf(host), host)];
      return { id: 'objects', title: 'objects', phases: [{ id: 'objects', title: 'objects', steps }] };
    },
    makeKinds: (host) => createObjectChangeKinds(async () => objectsOf(host)),
    clock: createFixedClock('2026-11-22T12:00:00Z'),
    directories: [hostPath('/etc')],
    readState,
  };
});
