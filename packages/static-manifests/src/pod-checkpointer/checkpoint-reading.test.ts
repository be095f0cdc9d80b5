import { hostPath } from '@kube-rescue/host';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { checkpointFlags, findObjectKey } from './checkpoint-flags.ts';
import {
  API,
  API_UID,
  apiManifest,
  cachedPath,
  CHECKPOINTER,
  checkpointerManifest,
  createCheckpointNode,
  DIRECTORY,
  INACTIVE,
  SECRETS,
} from './checkpoint-node.fixture.ts';
import { readCheckpoints } from './checkpoint-reading.ts';

const INPUT = { directory: DIRECTORY };

async function readFiles(files: Readonly<Record<string, string>>) {
  return readCheckpoints(INPUT, { host: createFakeHost({ tree: treeOf(files) }) });
}

describe('the checkpoints of a node', () => {
  it('are grouped by parent, with active and inactive copies, the checkpointer last', async () => {
    const { host } = await createCheckpointNode();
    const { checkpoints, problems, directories } = await readCheckpoints(INPUT, { host });
    expect(problems).toEqual([]);
    expect(directories.lock).toBe('/var/run/lock/pod-checkpointer.lock');
    expect(
      checkpoints.map(({ name, component, active, inactive, parentUid, isCheckpointer }) => [
        name,
        component,
        active !== undefined,
        inactive !== undefined,
        parentUid,
        isCheckpointer,
      ]),
    ).toEqual([
      [API, 'kube-apiserver', false, true, API_UID, false],
      [CHECKPOINTER, 'pod-checkpointer', true, true, expect.any(String), true],
    ]);
  });

  it('map each cached file to its volume, mount and Secret key, with owner and mode', async () => {
    const { host } = await createCheckpointNode();
    const { checkpoints } = await readCheckpoints(INPUT, { host });
    const objects = checkpoints[0]?.objects ?? [];
    expect(
      objects.map(({ kind, name, volume, mountPaths, isMissing }) => [kind, name, volume, mountPaths, isMissing]),
    ).toEqual([
      [
        'Secret',
        'default-token-bzn5p',
        'default-token-bzn5p',
        ['/var/run/secrets/kubernetes.io/serviceaccount'],
        false,
      ],
      ['Secret', 'kube-apiserver', 'secrets', ['/etc/kubernetes/secrets'], false],
    ]);
    expect(objects[1]?.keys.find(({ key }) => key === 'apiserver.crt')).toMatchObject({
      ...{ path: cachedPath('apiserver.crt'), mode: 0o600, uid: 65_534, gid: 0 },
    });
  });

  it("map the API server's flags to the cached files and to the keys of the Secret", async () => {
    const { host } = await createCheckpointNode();
    const { checkpoints } = await readCheckpoints(INPUT, { host });
    const [checkpoint] = checkpoints;
    const flags = checkpoint && checkpointFlags(checkpoint);
    expect(flags?.flags.get('tls-cert-file')).toBe(cachedPath('apiserver.crt'));
    expect(flags?.keys.get('etcd-certfile')).toEqual([
      {
        ...{ kind: 'Secret', namespace: 'kube-system', name: 'kube-apiserver', key: 'etcd-client.crt' },
        path: cachedPath('etcd-client.crt'),
      },
    ]);
    expect(flags?.keys.has('etcd-servers')).toBe(false);
    expect(findObjectKey(checkpoint?.objects ?? [], hostPath('/etc/passwd'))).toBeUndefined();
  });

  it('find the lock by the flag of the checkpointer, through its mounts', async () => {
    const manifest = checkpointerManifest()
      .replace('--lock-file=/var/run/lock/pod-checkpointer.lock', '--lock-file=/var/run/other.lock')
      .replace('"path":"/var/run"', '"path":"/run/host"');
    const { directories } = await readFiles({ [`${INACTIVE}/a.json`]: manifest });
    expect(directories.lock).toBe('/run/host/other.lock');
  });

  it('report a Secret without its directory as missing', async () => {
    const { checkpoints } = await readFiles({ [`${INACTIVE}/a.json`]: apiManifest() });
    expect(checkpoints[0]?.objects.map(({ name, isMissing, keys }) => [name, isMissing, keys.length])).toEqual([
      ['default-token-bzn5p', true, 0],
      ['kube-apiserver', true, 0],
    ]);
  });

  it('report an active copy that differs from the inactive one', async () => {
    const { problems } = await readFiles({
      [`${INACTIVE}/a.json`]: apiManifest(),
      [`${DIRECTORY}/a.json`]: apiManifest().replace('v1.20.2', 'v1.20.3'),
    });
    expect(problems.map(({ code }) => code)).toEqual(['CHECKPOINT_COPIES_DIFFER']);
  });

  it('are read despite damaged, foreign and hostile files', async () => {
    const { checkpoints, problems } = await readFiles({
      [`${INACTIVE}/.hidden.json`]: 'noise',
      [`${INACTIVE}/broken.json`]: '{"kind":"Pod"',
      [`${INACTIVE}/folder.json/inner`]: 'noise',
      [`${INACTIVE}/huge.json`]: ' '.repeat(10 * 1024 * 1024),
      [`${INACTIVE}/kube-system-${API}.json`]: apiManifest(),
      [`${INACTIVE}/kube-system-${API}.json.bak`]: apiManifest(),
      [`${INACTIVE}/plain.yaml`]: 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x}]}\n',
      [`${INACTIVE}/traversal.json`]: apiManifest().replaceAll(API, '../../../root'),
    });
    expect(checkpoints.map(({ name }) => name)).toEqual([API]);
    expect(problems.map(({ code, subject }) => `${code} ${subject?.slice(INACTIVE.length + 1)}`).toSorted()).toEqual([
      'CHECKPOINT_INVALID traversal.json',
      `MANIFEST_DUPLICATE kube-system-${API}.json.bak`,
      'MANIFEST_INVALID broken.json',
      'MANIFEST_TOO_LARGE huge.json',
    ]);
  });

  it('do not follow a volume or a link out of the directory of their pod', async () => {
    const { host } = await createCheckpointNode({
      files: {
        [`${INACTIVE}/kube-system-${API}.json`]: apiManifest().replace(
          `${SECRETS}/kube-system/${API}/kube-apiserver`,
          `${SECRETS}/kube-system/other/../../../ssl/etcd`,
        ),
        [`${INACTIVE}/other.json`]: apiManifest()
          .replaceAll(API, 'other-1')
          .replaceAll(`${SECRETS}/kube-system/other-1/kube-apiserver`, `${SECRETS}/kube-system/${API}/kube-apiserver`),
      },
    });
    await host.remove(cachedPath('ca.crt'));
    await host.writeLink(cachedPath('ca.crt'), '/etc/shadow');
    const { checkpoints, problems } = await readCheckpoints(INPUT, { host });
    const [first] = checkpoints;
    expect(first?.objects.find(({ name }) => name === 'kube-apiserver')).toMatchObject({ volume: undefined });
    expect(first?.objects.flatMap(({ keys }) => keys.map(({ key }) => key))).not.toContain('ca.crt');
    expect(problems.map(({ code, subject }) => [code, subject])).toEqual([
      ['CHECKPOINT_INVALID', cachedPath('ca.crt')],
      ['CHECKPOINT_INVALID', `${INACTIVE}/other.json`],
    ]);
  });

  it('do not exist on a node without a checkpointer', async () => {
    expect(await readFiles({ '/etc/kubernetes/admin.conf': '' })).toMatchObject({ checkpoints: [], problems: [] });
  });
});
