import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requireProgram, startLocalAws } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');

describe('the README', () => {
  it.skipIf(!requireProgram('knotd'))('has an example that runs unchanged', async () => {
    const examples = (await read('../README.md')).matchAll(/^```ts\n(.*?)^```$/gms);
    const [, example = ''] = [...examples].find(([, code = '']) => code.includes('judgeCredentials')) ?? [];
    const aws = await startLocalAws();
    try {
      const judge = async (key: { accessKeyId: string; secretAccessKey: string }): Promise<string> => {
        const argv = ['--conditions=kube-rescue-source', '--input-type=module-typescript', '--eval', example];
        const env = {
          PATH: process.env['PATH'],
          AWS_ACCESS_KEY_ID: key.accessKeyId,
          AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
          AWS_ENDPOINT_URL: aws.endpoint,
        };
        const cwd = fileURLToPath(new URL('..', import.meta.url));
        return (await promisify(execFile)(process.execPath, argv, { cwd, env })).stdout;
      };
      const key = aws.addKey();
      expect(await judge(key)).toMatch(
        /credentials: ok:.*\nform: ok:.*\nclock: ok:.*\nidentity: ok: accepted by AWS: account 123456789012/,
      );
      expect(await judge({ ...key, secretAccessKey: 'x'.repeat(40) })).toMatch(
        /identity: broken: AWS knows the access key/,
      );
    } finally {
      await aws.stop();
    }
  });

  it('explains every code', async () => {
    const rows = [...(await read('../README.md')).matchAll(/^\| (`DNS_[^|]+)\|/gm)].map(([, cell = '']) => cell);
    const explained = rows.flatMap((cell) => [...cell.matchAll(/DNS_\w+/g)].map(([code]) => code));
    const codes = [...(await read('errors.ts')).matchAll(/^  (DNS_\w+):/gm)].map(([, code = '']) => code);
    expect(explained.toSorted()).toEqual(codes.toSorted());
  });
});
