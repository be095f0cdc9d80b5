import { describe, expect, it } from 'vitest';
import { HostError } from '../errors.ts';
import { fsFailure, translated } from './fs-failure.ts';

function systemError(errno: string): Error {
  return Object.assign(new Error(`${errno}: something, open '/secret/path'`), { code: errno, syscall: 'open' });
}

describe('the failure of a system call', () => {
  it.each([
    ['ENOENT', 'HOST_NOT_FOUND'],
    ['EACCES', 'HOST_PERMISSION_DENIED'],
    ['EPERM', 'HOST_PERMISSION_DENIED'],
    ['EROFS', 'HOST_READ_ONLY'],
    ['ENOSPC', 'HOST_NO_SPACE'],
    ['EDQUOT', 'HOST_NO_SPACE'],
    ['EISDIR', 'HOST_NOT_A_REGULAR_FILE'],
    ['ENOTDIR', 'HOST_PATH_INVALID'],
    ['ELOOP', 'HOST_PATH_INVALID'],
    ['EIO', 'HOST_IO'],
    ['ESTALE', 'HOST_IO'],
  ])('%s becomes %s with a hint', (errno, code) => {
    const failure = fsFailure(systemError(errno), 'write the file', '/etc/kubernetes/admin.conf');
    expect(failure).toMatchObject({ code, subject: '/etc/kubernetes/admin.conf' });
    expect(failure.message).toMatch(/^cannot write the file: /);
    expect(failure.hint).toBeTruthy();
  });

  it('is translated only once', async () => {
    const first = new HostError({ code: 'HOST_LOCKED', message: 'held' });
    await expect(translated('write', '/x', () => Promise.reject(first))).rejects.toBe(first);
  });

  it('does not hide a bug', async () => {
    const bug = new TypeError('undefined is not a function');
    await expect(translated('write', '/x', () => Promise.reject(bug))).rejects.toBe(bug);
  });
});
