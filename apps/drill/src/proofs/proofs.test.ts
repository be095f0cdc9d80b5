import { wrapError, wrapResult } from 'kube-rescue/command-line';
import { describe, expect, it } from 'vitest';
import { HostError } from '@kube-rescue/host';
import { nameProofs, proveAnswer, proveSameFiles } from './proofs.ts';

const BEFORE = { '/etc/kubernetes/admin.conf': 'f 600 0:0 aa', '/etc/kubernetes/pki': 'd 755 0:0' };

describe('a proof of the drill', () => {
  it('carries the name of its kind', () => {
    expect(nameProofs('death', [{ name: 'nothing listens', ok: true, detail: '' }])).toMatchObject([
      { name: 'death: nothing listens' },
    ]);
  });

  it('holds when the same files are there, byte for byte', () => {
    expect(proveSameFiles('rollback', BEFORE, { ...BEFORE })).toMatchObject({ ok: true });
  });

  it.each([
    ['changed', { ...BEFORE, '/etc/kubernetes/admin.conf': 'f 600 0:0 bb' }],
    ['gone', { '/etc/kubernetes/pki': 'd 755 0:0' }],
    ['of another mode', { ...BEFORE, '/etc/kubernetes/admin.conf': 'f 644 0:0 aa' }],
  ])('does not hold when a file is %s, and names it', (_, after) => {
    const proof = proveSameFiles('rollback', BEFORE, after);
    expect(proof).toMatchObject({ ok: false, detail: 'differ: /etc/kubernetes/admin.conf' });
  });

  it('does not hold when a file is new, or when no file was seen at all', () => {
    expect(proveSameFiles('rollback', BEFORE, { ...BEFORE, '/etc/kubernetes/x': 'f' })).toMatchObject({ ok: false });
    expect(proveSameFiles('rollback', {}, {})).toMatchObject({ ok: false });
  });

  it('asks for exit 0 and for the outcome', () => {
    const envelope = wrapResult({ outcome: 'done' }, []);
    expect(proveAnswer('recover', { exitCode: 0, envelope, lastWords: '' }, 'done')).toMatchObject({ ok: true });
    expect(proveAnswer('recover', { exitCode: 0, envelope, lastWords: '' }, 'nothing-to-do')).toMatchObject({
      ok: false,
    });
    expect(proveAnswer('recover', { exitCode: 7, envelope, lastWords: '' }, 'done')).toMatchObject({ ok: false });
  });

  it('reports why our own command failed, with its envelope and without', () => {
    const envelope = wrapError(new HostError({ code: 'HOST_LOCKED', message: 'another run is at work' }), []);
    expect(proveAnswer('recover', { exitCode: 4, envelope, lastWords: '' })).toMatchObject({
      ok: false,
      detail: 'exit 4: another run is at work (HOST_LOCKED)',
    });
    const silent = { exitCode: 127, envelope: undefined, lastWords: 'nsenter: no such file' };
    expect(proveAnswer('recover', silent)).toMatchObject({ ok: false, detail: 'exit 127: nsenter: no such file' });
  });
});
