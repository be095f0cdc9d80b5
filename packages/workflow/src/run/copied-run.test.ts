import { createFakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { createChangeRegistry, hostChangeKinds } from '../index.ts';
import { assertFilesOnly } from './copied-run.ts';

const host = createFakeHost();
const kinds = createChangeRegistry(hostChangeKinds(host));
const copy = { kind: 'copy', name: '/mnt/node01' } as const;
const file = { change: { kind: 'file.replace', target: '/etc/a', before: 'absent', after: 'b', mode: 0o600 } };
const service = { change: { kind: 'service.restart', target: 'kubelet' } };

describe('a run in a copy of files', () => {
  it('may have changed files only', () => {
    expect(() => assertFilesOnly([file], { host: copy, kinds })).not.toThrow();
    expect(() => assertFilesOnly([file, service], { host: copy, kinds })).toThrow(
      expect.objectContaining({ code: 'HOST_COPY', message: expect.stringContaining('restart the service kubelet') }),
    );
  });

  it('names a few of many changes', () => {
    const many = Array.from({ length: 9 }, () => service);
    expect(() => assertFilesOnly(many, { host: copy, kinds })).toThrow(/4 more; nothing was changed/);
  });

  it('is not held to that on the node itself', () => {
    expect(() => assertFilesOnly([service], { host, kinds })).not.toThrow();
  });
});
