import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { exitCodeFor } from './exit-codes.ts';
import { openDrill } from './installed-drill.ts';

const missing = (name: string): Error =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /x.js`), { code: 'ERR_MODULE_NOT_FOUND' });

describe('the drill', () => {
  it('is loaded from its own package', async () => {
    const drill = { DrillCommand: {} };
    expect(await openDrill(async (name) => (name === '@kube-rescue/drill' ? drill : undefined))).toBe(drill);
  });

  it('that is not installed exits 2 with the install command', async () => {
    const error = await expectCode(
      openDrill(async (name) => {
        throw missing(name);
      }),
      'DRILL_NOT_INSTALLED',
    );
    expect(error.hint).toContain('npm install --global kube-rescue @kube-rescue/drill');
    expect(exitCodeFor(error)).toBe(2);
  });

  it('that lacks a dependency is not reported as missing', async () => {
    const error = missing('@kube-rescue/lab');
    await expect(openDrill(() => Promise.reject(error))).rejects.toBe(error);
  });
});
