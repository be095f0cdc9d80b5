import { type Host, hostPath, type HostPath, joinPath } from '@kube-rescue/host';
import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { expectCode } from '../laws/expect-code.ts';

/** A host under test, with an empty directory for the suite. */
export interface HostUnderTest {
  readonly host: Host;
  /** Exists, below a directory of this suite on the same filesystem. */
  readonly directory: HostPath;
  dispose(): Promise<void>;
}

const OLD = Buffer.from('old\n');
const NEW = Buffer.from('new\n');
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface HostContractOptions {
  /** The host has no sockets, and reports them as unsupported. Default: false. */
  readonly lacksSockets?: boolean | undefined;
}

/** The contract of the Host port, as tests. */
export function hostContract(
  name: string,
  make: () => Promise<HostUnderTest>,
  { lacksSockets = false }: HostContractOptions = {},
): void {
  describe(`the host contract holds for ${name}`, () => {
    let subject: HostUnderTest;
    let host: Host;
    const at = (...segments: readonly string[]): HostPath => joinPath(subject.directory, ...segments);
    beforeEach(async () => {
      subject = await make();
      host = subject.host;
    });
    afterEach(() => subject.dispose());

    describe('reading', () => {
      it('returns undefined for a missing path', async () => {
        assert.equal(await host.readFile(at('none')), undefined);
        assert.equal(await host.stat(at('none')), undefined);
        assert.equal(await host.readLink(at('none')), undefined);
        assert.equal(await host.list(at('none')), undefined);
        assert.equal(await host.readFile(at('none', 'below')), undefined);
      });

      it('returns undefined for a path below a regular file', async () => {
        await host.writeFile(at('file'), OLD, { mode: 0o644 });
        assert.equal(await host.readFile(at('file', 'below')), undefined);
        assert.equal(await host.stat(at('file', 'below')), undefined);
        assert.equal(await host.list(at('file')), undefined);
      });

      it('rejects reading a directory as a file', async () => {
        await expectCode(host.readFile(subject.directory), 'HOST_NOT_A_REGULAR_FILE');
      });

      it('rejects reading a file over 32 MiB', async () => {
        await host.writeFile(at('huge'), new Uint8Array(32 * 1024 * 1024 + 1), { mode: 0o644 });
        await expectCode(host.readFile(at('huge')), 'HOST_FILE_TOO_LARGE');
      });

      it('reads a part of a file of any size, and less only at its end', async () => {
        const size = 32 * 1024 * 1024 + 5;
        const bytes = new Uint8Array(size).fill(1);
        bytes.set([7, 0, 10, 255, 9], size - 5);
        await host.writeFile(at('huge'), bytes, { mode: 0o644 });
        const read = async (offset: number, length: number): Promise<readonly number[]> => [
          ...((await host.readRange(at('huge'), { offset, length })) ?? []),
        ];
        assert.deepEqual(await read(size - 5, 3), [7, 0, 10]);
        assert.deepEqual(await read(size - 2, 100), [255, 9]);
        assert.deepEqual(await read(size, 10), []);
        assert.deepEqual(await read(0, 2), [1, 1]);
        assert.equal(await host.readRange(at('none'), { offset: 0, length: 1 }), undefined);
        await expectCode(host.readRange(subject.directory, { offset: 0, length: 1 }), 'HOST_NOT_A_REGULAR_FILE');
      });

      it('lists names in order', async () => {
        for (const each of ['b', 'a', 'c']) await host.writeFile(at(each), OLD, { mode: 0o644 });
        assert.deepEqual(await host.list(subject.directory), ['a', 'b', 'c']);
      });

      it('reports the free disk space, also for a missing directory', async () => {
        assert.ok((await host.freeBytes(at('not', 'made'))) > 0);
      });

      it('reports a writable directory, also a missing one', async () => {
        await host.assertWritable(at('not', 'made'));
        assert.deepEqual(await host.list(subject.directory), []);
      });
    });

    describe('reading a whole tree', () => {
      const limits = { maxEntries: 100, maxFileBytes: 10, maxBytes: 1000 };
      beforeEach(async () => {
        await host.makeDirectory(at('tree', 'deep'), { mode: 0o750 });
        await host.writeFile(at('tree', 'one'), OLD, { mode: 0o640, owner: { uid: 232, gid: 233 } });
        await host.writeFile(at('tree', 'deep', ` a'b"c$(x)\n-e `), NEW, { mode: 0o600 });
        await host.writeFile(at('tree', 'empty'), new Uint8Array(), { mode: 0o600 });
        await host.writeFile(at('tree', 'large'), new Uint8Array(11), { mode: 0o600 });
        await host.writeLink(at('tree', 'link'), 'one');
      });

      it('finds what single reads find', async () => {
        const tree = await host.readTree(
          [at('tree'), at('tree', 'one'), at('none'), at('tree', 'one', 'below')],
          limits,
        );
        assert.ok(tree !== undefined);
        assert.equal(tree.size, 9);
        for (const [path, entry] of tree) {
          const stat = await host.stat(path);
          assert.deepEqual(entry?.stat, stat);
          if (stat?.kind === 'directory') assert.deepEqual(entry?.names, await host.list(path));
          assert.equal(entry?.target, await host.readLink(path));
          const isRead = stat?.kind === 'file' && stat.size <= limits.maxFileBytes;
          const bytes = isRead ? await host.readFile(path) : undefined;
          assert.deepEqual(entry?.bytes && Buffer.from(entry.bytes), bytes && Buffer.from(bytes));
        }
        assert.ok(tree.has(at('none')) && tree.get(at('none')) === undefined);
      });

      it('returns nothing instead of a part where there is more than the limits', async () => {
        assert.equal(await host.readTree([at('tree')], { ...limits, maxEntries: 3 }), undefined);
        assert.equal(await host.readTree([at('tree')], { ...limits, maxBytes: 3, maxEntries: 7 }), undefined);
      });

      it('is empty without a path', async () => {
        assert.equal((await host.readTree([], limits))?.size, 0);
      });
    });

    describe('writing files', () => {
      it('keeps bytes, mode and owner', async () => {
        const bytes = Uint8Array.from([0, 255, 10, 13, 0]);
        await host.writeFile(at('file'), bytes, { mode: 0o640, owner: { uid: 232, gid: 233 } });
        assert.deepEqual(Buffer.from((await host.readFile(at('file'))) ?? []), Buffer.from(bytes));
        const stat = await host.stat(at('file'));
        assert.deepEqual(
          [stat?.kind, stat?.mode, stat?.uid, stat?.gid, stat?.size],
          ['file', 0o640, 232, 233, bytes.length],
        );
      });

      it('reads an empty file as empty, not as absent', async () => {
        await host.writeFile(at('empty'), new Uint8Array(), { mode: 0o600 });
        assert.equal((await host.readFile(at('empty')))?.length, 0);
      });

      it('replaces bytes and mode', async () => {
        await host.writeFile(at('file'), OLD, { mode: 0o644 });
        await host.writeFile(at('file'), NEW, { mode: 0o600 });
        assert.equal(await textOf(host, at('file')), 'new\n');
        assert.equal((await host.stat(at('file')))?.mode, 0o600);
        assert.deepEqual(await host.list(subject.directory), ['file']);
      });

      it('removes the temporary file of a killed write', async () => {
        await host.writeFile(at('.file.kube-rescue.tmp'), OLD, { mode: 0o600 });
        await host.writeFile(at('file'), NEW, { mode: 0o600 });
        assert.deepEqual(await host.list(subject.directory), ['file']);
      });

      it('creates no temporary file in a watched directory', async () => {
        await host.makeDirectory(at('manifests'), { mode: 0o700 });
        await host.writeFile(at('manifests', 'pod.yaml'), NEW, { mode: 0o600, watched: true });
        assert.deepEqual(await host.list(at('manifests')), ['pod.yaml']);
        assert.deepEqual(await host.list(subject.directory), ['manifests']);
      });

      it('moves a directory with everything in it, and never onto anything', async () => {
        await host.makeDirectory(at('data', 'member', 'snap'), { mode: 0o700 });
        await host.writeFile(at('data', 'member', 'snap', 'db'), OLD, { mode: 0o600 });
        await host.moveDirectory(at('data', 'member'), at('data', 'kept'));
        assert.deepEqual(await host.list(at('data')), ['kept']);
        assert.deepEqual(Buffer.from((await host.readFile(at('data', 'kept', 'snap', 'db'))) ?? []), OLD);
        assert.equal((await host.stat(at('data', 'kept')))?.mode, 0o700);
        await expectCode(host.moveDirectory(at('data', 'member'), at('data', 'other')), 'HOST_NOT_FOUND');
        await host.makeDirectory(at('data', 'empty'), { mode: 0o700 });
        await expectCode(host.moveDirectory(at('data', 'kept'), at('data', 'empty')), 'HOST_PATH_INVALID');
        await host.writeFile(at('file'), OLD, { mode: 0o600 });
        await expectCode(host.moveDirectory(at('file'), at('moved')), 'HOST_PATH_INVALID');
        assert.deepEqual(await host.list(at('data')), ['empty', 'kept']);
      });

      it('rejects writing into a missing directory', async () => {
        await expectCode(host.writeFile(at('none', 'file'), NEW, { mode: 0o600 }), 'HOST_NOT_FOUND');
        assert.equal(await host.stat(at('none')), undefined);
      });

      it('rejects writing below a regular file', async () => {
        await host.writeFile(at('file'), OLD, { mode: 0o644 });
        await expectCode(host.writeFile(at('file', 'below'), NEW, { mode: 0o600 }), 'HOST_PATH_INVALID');
      });

      it('rejects replacing a directory by a file', async () => {
        await host.makeDirectory(at('directory'), { mode: 0o755 });
        await expectCode(host.writeFile(at('directory'), NEW, { mode: 0o600 }), 'HOST_NOT_A_REGULAR_FILE');
        assert.deepEqual(await host.list(subject.directory), ['directory']);
      });

      it('replaces only what it may replace', async () => {
        const [file, none, link] = [at('file'), at('none'), at('link')];
        const textAt = async (path: HostPath): Promise<string> =>
          Buffer.from((await host.readFile(path)) ?? []).toString();
        await host.writeFile(file, OLD, { mode: 0o644 });
        await host.writeLink(link, 'old');
        const mode = 0o600;
        await expectCode(host.writeFile(file, NEW, { mode, replaces: [digestOf(NEW), 'absent'] }), 'HOST_CHANGED');
        await expectCode(host.writeFile(none, NEW, { mode, replaces: [digestOf(OLD)] }), 'HOST_CHANGED');
        await expectCode(host.writeFile(link, NEW, { mode, replaces: ['link:new'] }), 'HOST_CHANGED');
        await expectCode(host.writeLink(link, 'newer', { replaces: ['link:new'] }), 'HOST_CHANGED');
        await expectCode(host.remove(file, { replaces: [digestOf(NEW)] }), 'HOST_CHANGED');
        assert.equal(await textAt(file), OLD.toString());
        assert.equal(await host.readLink(link), 'old');
        assert.deepEqual(await host.list(subject.directory), ['file', 'link']);
        await host.writeFile(file, NEW, { mode, replaces: [digestOf(OLD)] });
        await host.writeFile(none, NEW, { mode, replaces: ['absent'] });
        await host.writeLink(link, 'newer', { replaces: ['link:old', 'absent'] });
        assert.equal(await textAt(none), NEW.toString());
        assert.equal(await host.readLink(link), 'newer');
        await host.writeFile(link, NEW, { mode, replaces: ['link:newer'] });
        await host.remove(none, { replaces: [digestOf(NEW)] });
        await host.remove(none, { replaces: [digestOf(NEW)] });
        assert.equal(await textAt(link), NEW.toString());
        assert.deepEqual(await host.list(subject.directory), ['file', 'link']);
      });

      it('leaves no other name in a watched directory when it replaces what it may', async () => {
        await host.makeDirectory(at('manifests'), { mode: 0o755 });
        const options = { mode: 0o600, watched: true };
        await host.writeFile(at('manifests', 'pod'), OLD, options);
        await host.writeFile(at('manifests', 'pod'), NEW, { ...options, replaces: [digestOf(OLD)] });
        assert.deepEqual(await host.list(at('manifests')), ['pod']);
        await host.remove(at('manifests', 'pod'), { watched: true, replaces: [digestOf(NEW)] });
        assert.deepEqual(await host.list(at('manifests')), []);
        assert.deepEqual(await host.list(subject.directory), ['manifests']);
      });

      it('writes a stream as one file', async () => {
        await host.writeFile(at('file'), OLD, { mode: 0o644 });
        await host.writeFileFrom(at('file'), pieces('one ', 'two\n'), { mode: 0o640, owner: { uid: 232, gid: 233 } });
        assert.equal(await textOf(host, at('file')), 'one two\n');
        const stat = await host.stat(at('file'));
        assert.deepEqual([stat?.mode, stat?.uid, stat?.gid], [0o640, 232, 233]);
        await host.writeFileFrom(at('empty'), pieces(), { mode: 0o600 });
        assert.equal(await textOf(host, at('empty')), '');
        assert.deepEqual(await host.list(subject.directory), ['empty', 'file']);
      });

      it('keeps the old file when the stream fails', async () => {
        const failure = new Error('the digest is wrong');
        const broken = async function* () {
          yield* pieces('half');
          throw failure;
        };
        await host.writeFile(at('file'), OLD, { mode: 0o644 });
        await assert.rejects(host.writeFileFrom(at('file'), broken(), { mode: 0o600 }), failure);
        await assert.rejects(host.writeFileFrom(at('new'), broken(), { mode: 0o600 }), failure);
        assert.equal(await textOf(host, at('file')), 'old\n');
        assert.deepEqual(await host.list(subject.directory), ['file']);
      });

      it('rejects a missing directory before it reads the stream', async () => {
        let isRead = false;
        const watched = async function* () {
          isRead = true;
          yield* pieces('x');
        };
        await expectCode(host.writeFileFrom(at('none', 'file'), watched(), { mode: 0o600 }), 'HOST_NOT_FOUND');
        assert.equal(isRead, false);
      });

      it('appends to a file and creates it with its mode', async () => {
        await host.appendFile(at('journal'), OLD, { mode: 0o600 });
        await host.appendFile(at('journal'), NEW, { mode: 0o644 });
        assert.equal(await textOf(host, at('journal')), 'old\nnew\n');
        assert.equal((await host.stat(at('journal')))?.mode, 0o600);
      });

      it('rejects appending to a directory', async () => {
        await expectCode(host.appendFile(subject.directory, NEW, { mode: 0o600 }), 'HOST_NOT_A_REGULAR_FILE');
      });

      it('rejects appending through a link, and leaves its target unchanged', async () => {
        await host.writeFile(at('victim'), OLD, { mode: 0o600 });
        for (const target of ['victim', 'none']) {
          await host.writeLink(at('journal'), target);
          await expectCode(host.appendFile(at('journal'), NEW, { mode: 0o600 }), 'HOST_NOT_A_REGULAR_FILE');
        }
        assert.equal(await textOf(host, at('victim')), 'old\n');
        assert.deepEqual(await host.list(subject.directory), ['journal', 'victim']);
      });

      it('removes a file, also one that does not exist', async () => {
        await host.writeFile(at('file'), OLD, { mode: 0o644 });
        await host.remove(at('file'));
        await host.remove(at('file'));
        assert.deepEqual(await host.list(subject.directory), []);
      });

      it('rejects removing a directory', async () => {
        await host.makeDirectory(at('directory'), { mode: 0o755 });
        await expectCode(host.remove(at('directory')), 'HOST_NOT_A_REGULAR_FILE');
      });
    });

    describe('directories', () => {
      it('creates a directory with its parents and leaves existing ones unchanged', async () => {
        await host.makeDirectory(at('a'), { mode: 0o755 });
        await host.makeDirectory(at('a', 'b', 'c'), { mode: 0o700 });
        await host.makeDirectory(at('a', 'b', 'c'), { mode: 0o777 });
        const modes = await Promise.all(['a', 'a/b', 'a/b/c'].map(async (each) => (await host.stat(at(each)))?.mode));
        assert.deepEqual(modes, [0o755, 0o700, 0o700]);
      });

      it('rejects creating a directory in place of a file', async () => {
        await host.writeFile(at('file'), OLD, { mode: 0o644 });
        await expectCode(host.makeDirectory(at('file'), { mode: 0o755 }), 'HOST_PATH_INVALID');
        await expectCode(host.makeDirectory(at('file', 'below'), { mode: 0o755 }), 'HOST_PATH_INVALID');
      });
    });

    describe('links', () => {
      it('stores the target unchanged, and reads through the link', async () => {
        await host.writeFile(at('dated.pem'), OLD, { mode: 0o600 });
        await host.writeLink(at('current.pem'), 'dated.pem');
        assert.equal(await host.readLink(at('current.pem')), 'dated.pem');
        assert.equal((await host.stat(at('current.pem')))?.kind, 'symlink');
        assert.equal(await textOf(host, at('current.pem')), 'old\n');
      });

      it('follows an absolute link and one to a directory', async () => {
        await host.makeDirectory(at('real'), { mode: 0o755 });
        await host.writeLink(at('alias'), at('real'));
        await host.writeFile(at('alias', 'file'), NEW, { mode: 0o644 });
        assert.equal(await textOf(host, at('real', 'file')), 'new\n');
        assert.deepEqual(await host.list(at('alias')), ['file']);
      });

      it('changes the target of a link, and replaces a file by a link', async () => {
        await host.writeFile(at('a'), OLD, { mode: 0o600 });
        await host.writeLink(at('link'), 'none');
        await host.writeLink(at('link'), 'a');
        await host.writeLink(at('a'), 'b');
        assert.equal(await host.readLink(at('link')), 'a');
        assert.equal(await host.readLink(at('a')), 'b');
        assert.deepEqual(await host.list(subject.directory), ['a', 'link']);
      });

      it('replaces a link by a file and leaves its target unchanged', async () => {
        await host.writeFile(at('target'), OLD, { mode: 0o600 });
        await host.writeLink(at('link'), 'target');
        await host.writeFile(at('link'), NEW, { mode: 0o600 });
        assert.equal((await host.stat(at('link')))?.kind, 'file');
        assert.equal(await textOf(host, at('target')), 'old\n');
      });

      it('removes a link, not its target', async () => {
        await host.writeFile(at('target'), OLD, { mode: 0o600 });
        await host.writeLink(at('link'), 'target');
        await host.remove(at('link'));
        assert.deepEqual(await host.list(subject.directory), ['target']);
      });

      it('reads a dangling link as missing', async () => {
        await host.writeLink(at('link'), 'none');
        assert.equal(await host.readFile(at('link')), undefined);
      });

      it('rejects circular links', async () => {
        await host.writeLink(at('a'), 'b');
        await host.writeLink(at('b'), 'a');
        await expectCode(host.readFile(at('a')), 'HOST_PATH_INVALID');
      });
    });

    describe('locking', () => {
      it('grants a lock once, and names its holder', async () => {
        const lock = await host.acquireLock(at('lock'), 'recover, process 17');
        const refused = await expectCode(host.acquireLock(at('lock'), 'another process'), 'HOST_LOCKED');
        assert.equal(refused.subject, 'recover, process 17');
        assert.equal(await lock.isHeld(), true);
        await lock.release();
        const next = await host.acquireLock(at('lock'), 'another process');
        await next.release();
        await next.release();
      });
    });

    describe('connections', () => {
      it('rejects a refused connection with its address, or reports connections as unsupported', async () => {
        // Port 1 (tcpmux): nothing listens there.
        const refused = await expectCode(
          host.connect({ host: '127.0.0.1', port: 1, timeoutMs: 5000 }),
          host.kind === 'live' && !lacksSockets ? 'HOST_CONNECTION_FAILED' : 'HOST_UNSUPPORTED',
        );
        assert.equal(refused.subject, '127.0.0.1:1');
      });

      it('rejects a missing Unix socket with its path, or reports connections as unsupported', async () => {
        const path = hostPath('/run/kube-rescue-contract/missing.sock');
        const refused = await expectCode(
          host.connectUnix({ path, timeoutMs: 5000 }),
          host.kind === 'live' && !lacksSockets ? 'HOST_CONNECTION_FAILED' : 'HOST_UNSUPPORTED',
        );
        assert.equal(refused.subject, path);
      });

      it('rejects an unanswered DNS query with its name', async () => {
        const server = { address: '127.0.0.1', port: 1 };
        const unanswered = await expectCode(
          host.resolveDns({ name: 'shop.test', type: 'A', server, timeoutMs: 5000 }),
          host.kind === 'live' && !lacksSockets ? 'HOST_CONNECTION_FAILED' : 'HOST_UNSUPPORTED',
        );
        assert.equal(unanswered.subject, 'shop.test');
      });
    });

    describe('services and processes', () => {
      it('reports a missing service as unknown', async () => {
        assert.equal(await host.services.status('kube-rescue-no-such-service'), 'unknown');
        await assert.rejects(host.services.act('restart', 'kube-rescue-no-such-service'), { name: 'HostError' });
      });

      it('has a name and a user id', () => {
        assert.ok(host.name.length > 0);
        assert.ok(Number.isInteger(host.userId()));
      });
    });
  });
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(host: Host, path: HostPath): Promise<string | undefined> {
  const bytes = await host.readFile(path);
  return bytes && Buffer.from(bytes).toString();
}
