import { hostPath } from '@kube-rescue/host';
import { createFakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { CliError } from './errors.ts';
import { afterWrites, createWriteRecord, recordWrites } from './recorded-writes.ts';

const path = hostPath('/backup/worker1');
const data = new TextEncoder().encode('x');

describe('a failure after something was written', () => {
  it('names what was written, and the cause', () => {
    const record = createWriteRecord();
    for (const each of [path, `${path}/join.sh`, '/backup/worker2']) record.add(each);
    expect(afterWrites(new CliError({ code: 'NOT_ROOT', message: 'it failed' }), record)).toMatchObject({
      code: 'LEFT_INCOMPLETE',
      message: 'failed after writing /backup/worker1, /backup/worker2: it failed (NOT_ROOT)',
    });
  });

  it('leaves a bug a bug', () => {
    const record = createWriteRecord();
    record.add(path);
    const bug = new TypeError('x is not a function');
    expect(afterWrites(bug, record)).toBe(bug);
  });
});

describe('what was written', () => {
  it('is every file, link, directory and service that was changed', async () => {
    const record = createWriteRecord();
    const host = recordWrites(createFakeHost(), record);
    await host.makeDirectory(hostPath('/a'), { mode: 0o700 });
    await host.writeFile(hostPath('/a/file'), data, { mode: 0o600 });
    await host.appendFile(hostPath('/a/log'), data, { mode: 0o600 });
    await host.writeLink(hostPath('/a/link'), 'file');
    await host.makeDirectory(hostPath('/b/c/d'), { mode: 0o700 });
    await host.makeDirectory(hostPath('/b/c'), { mode: 0o700 });
    expect(record.list()).toEqual(['/a', '/a/file', '/a/log', '/a/link', '/b']);
  });

  it('is empty after a file was removed again, and holds the removal of any other', async () => {
    const record = createWriteRecord();
    const fake = createFakeHost();
    await fake.writeFile(hostPath('/old'), data, { mode: 0o600 });
    const host = recordWrites(fake, record);
    await host.writeFile(hostPath('/new'), data, { mode: 0o600 });
    await host.remove(hostPath('/new'));
    expect(record.list()).toEqual([]);
    await host.remove(hostPath('/old'));
    expect(record.list()).toEqual(['/old']);
  });

  it('is empty after a failed write or a read', async () => {
    const record = createWriteRecord();
    const host = recordWrites(createFakeHost(), record);
    await host.readFile(path);
    await host.list(path);
    await expect(host.writeFile(hostPath('/no/such/directory'), data, { mode: 0o600 })).rejects.toThrow();
    expect(record.list()).toEqual([]);
  });
});
