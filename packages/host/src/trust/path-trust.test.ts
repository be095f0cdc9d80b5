import { createFakeHost, expectCode, type NodeTree, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import type { FileStat, Host } from '../host.ts';
import { type HostPath, hostPath, parentPath } from '../host-path.ts';
import { assertTrusted, findForeignWriter, type TrustOptions } from './path-trust.ts';

const FILE = hostPath('/etc/kubernetes/kubelet.conf');
const OTHER = { uid: 65534, gid: 65534 };

/** A host with entries, some with another owner or mode than in the tree. */
function hostWith(
  tree: NodeTree,
  stats: Readonly<Record<string, Partial<FileStat>>> = {},
  parts: Partial<Host> = {},
): Host {
  const host = createFakeHost({ tree });
  const stat: Host['stat'] = async (path) => {
    const found = await host.stat(path);
    return found && { ...found, ...stats[path] };
  };
  return { ...host, stat, ...parts };
}

const file = (path: string, mode = 0o644, owner?: typeof OTHER): NodeTree =>
  new Map([[hostPath(path), { kind: 'file', bytes: Buffer.from('x'), mode, ...(owner && { owner }) }]]);
const link = (path: string, target: string, owner?: typeof OTHER): NodeTree =>
  new Map([[hostPath(path), { kind: 'link', target, ...(owner && { owner }) }]]);
const find = (host: Host, path: HostPath = FILE, options?: TrustOptions) => findForeignWriter(path, { host }, options);

describe('a path is trusted', () => {
  it('when root owns the file and every directory above it, and no other user can write them', async () => {
    expect(await find(hostWith(file(FILE)))).toBeUndefined();
    expect(await find(hostWith(file(FILE, 0o600)))).toBeUndefined();
  });

  it('as far as it exists', async () => {
    expect(await find(hostWith(new Map()))).toBeUndefined();
    expect(await find(hostWith(file('/etc/kubernetes')))).toBeUndefined();
  });

  it('through links of root to what root owns', async () => {
    const tree = new Map([...file('/data/pki/a.pem'), ...link('/etc/kubernetes/pki', '../../data/pki')]);
    expect(await find(hostWith(tree), hostPath('/etc/kubernetes/pki/a.pem'))).toBeUndefined();
  });

  it('below /usr/local of Debian, whose group staff has no members', async () => {
    const path = '/usr/local/bin/kubelet';
    const staff = { mode: 0o2775, gid: 50 };
    const tree = file(path, 0o755);
    expect(
      await find(hostWith(tree, { '/usr/local': staff, '/usr/local/bin': staff }), hostPath(path)),
    ).toBeUndefined();
    expect(await find(hostWith(tree, { '/usr': staff }), hostPath(path))).toMatchObject({ path: '/usr' });
    expect(await find(hostWith(tree, { [path]: staff }), hostPath(path))).toMatchObject({ path });
    expect(await find(hostWith(tree, { '/usr/local': { ...staff, gid: 51 } }), hostPath(path))).toBeDefined();
  });

  it('on a copy as well when the user who runs this owns it', async () => {
    const copy = hostWith(file(FILE, 0o644, { uid: 1000, gid: 1000 }), {}, { kind: 'copy', userId: () => 1000 });
    expect(await find(copy)).toBeUndefined();
    expect(await find({ ...copy, kind: 'live' })).toMatchObject({ reason: 'user 1000 owns it' });
    expect(await find({ ...copy, userId: () => 0 })).toMatchObject({ path: FILE });
  });
});

describe('a path is not trusted', () => {
  it.each([
    ['a file of another user', FILE, { uid: 65534 }, 'user 65534 owns it', 'chown -h root: '],
    ['a file that all can write', FILE, { mode: 0o666 }, 'every user can write it (mode 0666)', 'chmod go-w '],
    [
      'a file of a group, or with an access control list',
      FILE,
      { mode: 0o664 },
      'group 0 can write it (mode 0664)',
      'chmod go-w ',
    ],
    ['a directory of another user', '/etc/kubernetes', { uid: 1000 }, 'user 1000 owns it', 'chown -h root: '],
    [
      'a directory that all can write',
      '/etc/kubernetes',
      { mode: 0o777 },
      'every user can write it (mode 0777)',
      'chmod go-w ',
    ],
    ['a directory far above', '/etc', { mode: 0o775 }, 'group 0 can write it (mode 0775)', 'chmod go-w '],
    ['the root directory', '/', { mode: 0o777 }, 'every user can write it (mode 0777)', 'chmod go-w '],
  ])('%s', async (_, path, stat, reason, fix) => {
    const host = hostWith(file(FILE), { [path]: stat });
    expect(await find(host)).toMatchObject({ path, reason, fix: `${fix}${path}` });
    // A missing file too: others may create it.
    if (path !== FILE) expect(await find(host, hostPath('/etc/kubernetes/none'))).toMatchObject({ path });
  });

  it('a file in a directory with the sticky bit, for any owner of the file', async () => {
    const sticky = { '/tmp': { mode: 0o1777 } };
    const at = hostPath('/tmp/x');
    const roots = hostWith(file(at), sticky);
    expect(await find(roots, at)).toMatchObject({
      path: '/tmp',
      fix: 'move it to a directory that only root can write',
    });
    expect(await find(roots, at, { allowSticky: true })).toBeUndefined();
    expect(await find(roots, hostPath('/tmp/none'), { allowSticky: true })).toBeUndefined();
    const foreign = hostWith(file(at), { ...sticky, [at]: { uid: 65534 } });
    expect(await find(foreign, at, { allowSticky: true })).toMatchObject({ path: at });
  });

  it('a link of another user, and a link to what another user can write', async () => {
    const target = file('/data/a.pem');
    const at = hostPath('/etc/a.pem');
    const foreign = hostWith(new Map([...target, ...link(at, '/data/a.pem', OTHER)]));
    expect(await find(foreign, at)).toMatchObject({ path: '/etc/a.pem', reason: 'user 65534 owns it' });
    const home = hostWith(new Map([...file('/data/a.pem', 0o644, OTHER), ...link(at, '../data/a.pem')]));
    expect(await find(home, at)).toMatchObject({ path: '/data/a.pem' });
    const tree = new Map([...link('/etc/dir', '/data'), ...file('/data/a.pem')]);
    const within = hostWith(tree, { '/data': { uid: 7 } });
    expect(await find(within, hostPath('/etc/dir/a.pem'))).toMatchObject({ path: '/data' });
  });

  it('a link that leads to itself, or into another process', async () => {
    const at = hostPath('/etc/a');
    expect(await find(hostWith(link(at, 'a')), at)).toMatchObject({ reason: 'it is a symbolic link' });
    const magic = hostWith(new Map([...link('/proc/7/root', '/'), ...file('/etc/b')]));
    expect(await find(magic, hostPath('/proc/7/root/etc/b'))).toMatchObject({ path: '/proc/7/root' });
  });

  it('and the refusal names the file, its directory and the correction', async () => {
    const host = hostWith(file(FILE), { '/etc/kubernetes': { mode: 0o777 } });
    const error = await expectCode(assertTrusted(FILE, { host }), 'SOURCE_UNTRUSTED');
    expect([error.message, error.subject]).toEqual([
      'not trusted, through /etc/kubernetes: every user can write it (mode 0777)',
      FILE,
    ]);
    expect(error.hint).toContain('chmod go-w /etc/kubernetes');
  });
});

describe('a service account of Kubernetes', () => {
  const passwd = (line: string): NodeTree => treeOf({ '/etc/passwd': `root:x:0:0:root:/root:/bin/bash\n${line}\n` });
  const accepted = async (line: string, uid = 998): Promise<readonly string[] | undefined> => {
    const host = hostWith(new Map([...passwd(line), ...file(FILE, 0o644, { uid, gid: uid })]));
    const named: string[] = [];
    const found = await find(host, FILE, { onServiceAccount: ({ name, path }) => named.push(`${name} ${path}`) });
    expect(await find(host), 'refused without the option').toBeDefined();
    return found === undefined ? named : undefined;
  };

  it('may own files, and is named', async () => {
    expect(await accepted('kube:x:998:998::/home/kube:/sbin/nologin')).toEqual([`kube ${FILE}`]);
    expect(await accepted('etcd:x:998:998::/var/lib/etcd:/usr/sbin/nologin')).toEqual([`etcd ${FILE}`]);
  });

  it.each([
    ['another name', 'www-data:x:998:998::/var/www:/usr/sbin/nologin', 998],
    ['a login shell', 'kube:x:998:998::/home/kube:/bin/bash', 998],
    ['the ID of a person', 'kube:x:1000:1000::/home/kube:/sbin/nologin', 1000],
    ['another ID than the owner', 'kube:x:998:998::/home/kube:/sbin/nologin', 997],
  ])('is not an account with %s', async (_, line, uid) => {
    expect(await accepted(line, uid)).toBeUndefined();
  });
});

describe("a pod's copy of a Secret", () => {
  const SECRETS = '/etc/kubernetes/checkpoint-secrets';
  const COPY = `${SECRETS}/kube-system/kube-apiserver-1/apiserver/tls.key`;
  const podDirectory = /\/checkpoint-secrets\/[^/]+\/[^/]+\/./;
  const stats = (top: Partial<FileStat>): Readonly<Record<string, Partial<FileStat>>> => ({
    [SECRETS]: top,
    [parentPath(hostPath(COPY))]: { ...OTHER, mode: 0o700 },
  });
  const judge = (top: Partial<FileStat>, options: TrustOptions = { podDirectory }, path = COPY) =>
    find(hostWith(file(COPY, 0o600, OTHER), stats(top)), hostPath(path), options);

  it('is trusted below a directory that only root can search, with any owner', async () => {
    expect(await judge({ mode: 0o700 })).toBeUndefined();
  });

  it.each([
    ['below a directory that others can search', { mode: 0o711 }],
    ['below a directory of the other user', { ...OTHER, mode: 0o700 }],
  ])('is not trusted %s', async (_title, top) => {
    expect(await judge(top)).toBeDefined();
  });

  it('is not trusted elsewhere, however closed the directory is', async () => {
    expect(await judge({ mode: 0o700 }, {})).toMatchObject({ reason: 'user 65534 owns it' });
    const own = file('/var/lib/kube-rescue/runs/x/journal.jsonl', 0o600, OTHER);
    const host = hostWith(own, { '/var/lib/kube-rescue': { mode: 0o700 } });
    expect(await find(host, hostPath('/var/lib/kube-rescue/runs/x/journal.jsonl'), { podDirectory })).toBeDefined();
  });
});
