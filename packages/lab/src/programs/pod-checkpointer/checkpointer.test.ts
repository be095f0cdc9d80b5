import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { API_SERVER, CheckpointedNode, SELF } from './checkpointed-node.fixture.ts';
import { apiServerPod, checkpointerPod } from './parent-pods.fixture.ts';

const ACTIVE = 'manifests/kube-system-kube-apiserver-2rdtv.json';
const INACTIVE = 'inactive-manifests/kube-system-kube-apiserver-2rdtv.json';
const OWN = 'manifests/kube-system-pod-checkpointer-8jms9.json';
const SECRET = 'checkpoint-secrets/kube-system/kube-apiserver-2rdtv/kube-apiserver';

// It changes the owner of files, which needs root.
describe.skipIf(process.getuid?.() !== 0)('the pod checkpointer', () => {
  let node: CheckpointedNode;
  beforeEach(async () => {
    node = await CheckpointedNode.create();
  });
  afterEach(() => node.dispose());

  /** A reboot with the API server down: no sandbox, and the kubelet lists only static pods. */
  async function reboot(): Promise<void> {
    await node.api.stop();
    node.running.clear();
    node.kubeletPods = [];
    node.restart();
  }

  it('1: counts a parent with a READY sandbox as running, even if none of its containers runs', async () => {
    await node.pass();
    await node.api.stop();
    await node.pass();
    expect(await node.isActive()).toBe(false);
    node.running.delete(API_SERVER);
    await node.pass();
    expect(await node.isActive()).toBe(true);
    expect(node.lines).toContain(
      `I process.go:197] Checkpoint ${API_SERVER} (inactive) transitioning from state inactive -> state active\n`,
    );
  });

  it('2: updates all files, its own last, before it stops, starts or removes anything', async () => {
    await node.pass();
    expect(node.lines.filter((line) => !line.startsWith('I manifest.go:77'))).toEqual([
      `I manifest.go:80] Writing manifest for "${API_SERVER}" to "${node.path(INACTIVE)}"\n`,
      `I manifest.go:80] Writing manifest for "${SELF}" to "${node.path(OWN.replace('manifests', 'inactive-manifests'))}"\n`,
      `I process.go:197] Checkpoint ${API_SERVER} (none) transitioning from state none -> state inactive\n`,
      `I process.go:305] Stopping active checkpoint: ${API_SERVER}\n`,
      `W process.go:309] Attempted to remove active checkpoint, but manifest no longer exists: ${node.path(ACTIVE)}\n`,
      `I manifest.go:80] Writing manifest for "${SELF}" to "${node.path(OWN)}"\n`,
    ]);
  });

  it('3: rewrites the files of every Secret and ConfigMap after 60 s, changed or not', async () => {
    await node.pass();
    const before = (await stat(node.path(`${SECRET}/ca.crt`))).ino;
    // The next refresh overwrites a planted file.
    await writeFile(node.path(`${SECRET}/etcd-client.crt`), 'planted');
    await node.pass(55);
    expect(await node.read(`${SECRET}/etcd-client.crt`)).toBe('planted');
    expect((await stat(node.path(`${SECRET}/ca.crt`))).ino).toBe(before);
    await node.pass(5);
    expect(await node.read(`${SECRET}/etcd-client.crt`)).toBe('old client');
    expect((await stat(node.path(`${SECRET}/ca.crt`))).ino).not.toBe(before);
  });

  it('4: stops the checkpoint once the sandbox of the parent exists, before its container does', async () => {
    await node.pass();
    await reboot();
    await node.pass();
    expect(await node.isActive()).toBe(true);
    expect(await node.read(ACTIVE)).toBe(await node.read(INACTIVE));
    await node.api.serve();
    await node.pass();
    expect(await node.isActive()).toBe(true);
    node.running.add(API_SERVER);
    await node.pass();
    expect(await node.isActive()).toBe(false);
    expect(node.lines).toContain(`I process.go:305] Stopping active checkpoint: ${API_SERVER}\n`);
  });

  it('6: restores its own manifest in each pass, from memory if necessary', async () => {
    await node.pass();
    const own = await node.read(OWN);
    expect(own).toContain('"checkpointer.alpha.coreos.com/checkpoint-of":"pod-checkpointer-8jms9"');
    for (const directory of ['manifests', 'inactive-manifests']) {
      await writeFile(node.path(OWN.replace('manifests', directory)), 'corrupt');
    }
    await node.pass();
    expect(await node.read(OWN)).toBe(own);
  });

  it('7: removes Secrets and both manifests 60 s after the parent is gone from the API server', async () => {
    await node.pass();
    await reboot();
    await node.pass();
    await node.api.serve();
    node.setApiPods([checkpointerPod()]);
    await node.pass();
    expect(node.lines.join('')).toContain('from state active -> state active (grace period)');
    await node.pass(55);
    expect(await node.isActive()).toBe(true);
    await node.pass(5);
    const said = node.lines.filter((line) => !line.startsWith('I manifest.go:77')).map((line) => line.slice(0, -1));
    expect(said).toEqual([
      'I state.go:306] Grace period exceeded for state active (grace period)',
      'I state.go:207] Grace period exceeded for state inactive (grace period)',
      `I process.go:197] Checkpoint ${API_SERVER} (active (grace period)) transitioning from state active (grace period) -> state remove`,
      `I process.go:264] Removing checkpoint of: ${API_SERVER}`,
    ]);
    expect([await node.read(ACTIVE), await node.read(INACTIVE)]).toEqual([undefined, undefined]);
    expect(await readdir(node.path('checkpoint-secrets/kube-system'))).toEqual(['pod-checkpointer-8jms9']);
    expect(await node.read(OWN)).toBeDefined();
  });

  it('7: removes all others first and itself last when its own parent is gone', async () => {
    await node.pass();
    await reboot();
    await node.pass();
    await node.api.serve();
    node.setApiPods([apiServerPod()]);
    await node.pass();
    await node.pass(60);
    expect(node.lines.filter((line) => line.includes('Removing'))).toEqual([
      `I process.go:264] Removing checkpoint of: ${API_SERVER}\n`,
      `I process.go:264] Removing checkpoint of: ${SELF}\n`,
    ]);
    expect(await readdir(node.path('manifests'))).toEqual([]);
    expect(await readdir(node.path('inactive-manifests'))).toEqual([]);
    expect(await readdir(node.path('checkpoint-secrets/kube-system'))).toEqual([]);
    expect(await readdir(node.path('checkpoint-configmaps/kube-system'))).toEqual([]);
  });

  it('8: leaves the file of a key that was removed from its Secret, and unknown files', async () => {
    await node.pass();
    node.setSecret('kube-apiserver', { 'etcd-client.crt': 'new client' });
    await writeFile(node.path(`${SECRET}/.stray`), 'stray');
    await node.pass(60);
    expect(await node.read(`${SECRET}/etcd-client.crt`)).toBe('new client');
    expect(await node.read(`${SECRET}/ca.crt`)).toBe('old ca');
    expect(await node.read(`${SECRET}/.stray`)).toBe('stray');
  });

  it('9: deletes dot-files and empty dot-directories of the two manifest directories, and nothing else', async () => {
    await node.pass();
    for (const directory of ['manifests', 'inactive-manifests']) {
      await writeFile(node.path(`${directory}/.temporary`), 'half');
      await mkdir(node.path(`${directory}/.empty`));
      await mkdir(node.path(`${directory}/.full`));
      await writeFile(node.path(`${directory}/.full/file`), '');
      await mkdir(node.path(`${directory}/directory`));
      await writeFile(node.path(`${directory}/notes`), 'no JSON');
    }
    await node.pass();
    expect(await readdir(node.path('manifests'))).toEqual([
      '.full',
      'directory',
      'kube-system-pod-checkpointer-8jms9.json',
      'notes',
    ]);
    expect(await readdir(node.path('inactive-manifests'))).toHaveLength(5);
    const said = node.lines.join('');
    expect(said).toContain(
      `I manifest.go:30] Found temporary checkpoint ${node.path('manifests/.temporary')}, removing.`,
    );
    expect(said).toContain('Error reading manifest: read ');
    expect(said).toContain(`E manifest.go:45] Error unmarshalling manifest from ${node.path('manifests/notes')}`);
  });

  it('adopts a manifest that was activated by hand', async () => {
    await node.pass();
    await reboot();
    await writeFile(node.path(ACTIVE), (await node.read(INACTIVE)) ?? '');
    node.running.add(API_SERVER);
    await node.pass();
    expect(await node.isActive()).toBe(false);
  });

  it('warns about a second checkpoint with the same id', async () => {
    await node.pass();
    await writeFile(node.path(`${INACTIVE}.bak`), (await node.read(INACTIVE)) ?? '');
    await node.pass();
    expect(node.lines).toContain(
      `W manifest.go:51] Found multiple checkpoint pods in ${node.path('inactive-manifests')} with same id: ${API_SERVER}\n`,
    );
  });

  it('keeps its files while the API server is down, and logs an error at each refresh', async () => {
    await node.pass();
    await node.api.stop();
    await node.pass(60);
    expect(await node.read(`${SECRET}/ca.crt`)).toBe('old ca');
    const path = `${node.api.server}/api/v1/namespaces/kube-system/secrets/kube-apiserver`;
    const refused = `dial tcp ${node.api.server.slice('https://'.length)}: connect: connection refused`;
    expect(node.lines).toContain(
      `E process.go:242] Failed to checkpoint secrets for pod ${API_SERVER}: failed to checkpoint secret for pod ${API_SERVER}: failed to retrieve secret kube-system/kube-apiserver: Get ${path}: ${refused}\n`,
    );
    expect(node.lines.join('')).toContain(
      'W apiserver.go:19] Unable to contact APIServer, skipping garbage collection: Get',
    );
  });

  it('overwrites a planted file from the Secret, and does not restart a parent without a container', async () => {
    await node.pass();
    await reboot();
    await node.pass();
    await writeFile(node.path(`${SECRET}/etcd-client.crt`), 'good');
    // The API server serves with the good file until the refresh and the sandbox of its parent.
    await node.api.serve();
    await node.pass();
    await node.pass(60);
    // The checkpoint on disk has no Secret volume; the parent has, and the API server lists it.
    expect(await node.read(`${SECRET}/etcd-client.crt`)).toBe('old client');
    node.running.add(API_SERVER);
    await node.pass();
    await node.api.stop();
    for (let pass = 0; pass < 5; pass += 1) await node.pass();
    expect(await node.isActive()).toBe(false);
  });

  it('gives each file the mode and owner of the original', async () => {
    await node.pass();
    const found: Record<string, string> = {};
    const names = [
      'inactive-manifests',
      INACTIVE,
      OWN,
      'checkpoint-secrets',
      'checkpoint-secrets/kube-system/kube-apiserver-2rdtv',
      SECRET,
      `${SECRET}/ca.crt`,
      'checkpoint-secrets/kube-system/kube-apiserver-2rdtv/default-token-bzn5p/token',
      'checkpoint-secrets/kube-system/pod-checkpointer-8jms9/pod-checkpointer-token-nfgg5/token',
      'checkpoint-configmaps/kube-system/pod-checkpointer-8jms9/kubeconfig-in-cluster/kubeconfig',
    ];
    for (const name of names) found[name] = await node.statOf(name);
    expect(Object.values(found)).toEqual([
      '0700 0:0',
      '0644 0:0',
      '0644 0:0',
      '0700 0:0',
      '0700 0:0',
      '0700 65534:0',
      '0600 65534:0',
      '0600 65534:0',
      '0600 0:0',
      '0600 0:0',
    ]);
    expect(await readdir(node.path('checkpoint-configmaps/kube-system'))).toEqual(['pod-checkpointer-8jms9']);
  });
});
