import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');

describe('the README', () => {
  it('has an example that runs unchanged', async () => {
    const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(await read('../README.md')) ?? [];
    const argv = ['--conditions=kube-rescue-source', '--input-type=module-typescript', '--eval', example];
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd });
    expect(stdout).toContain('FLANNEL_SUBNET=10.2.3.1/24\nFLANNEL_MTU=1450\n');
    expect(stdout).toContain('/etc/cni/net.d/10-flannel.conflist:\n{"name": "cbr0"');
  });

  it('explains every code', async () => {
    const explained = [...(await read('../README.md')).matchAll(/^\| `(CNI_\w+)`/gm)].map(([, code = '']) => code);
    const codes = [...(await read('errors.ts')).matchAll(/^  (CNI_\w+):/gm)].map(([, code = '']) => code);
    expect(explained.toSorted()).toEqual(codes.toSorted());
  });
});
