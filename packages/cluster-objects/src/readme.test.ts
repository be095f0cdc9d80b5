import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { answerSmallCluster, startFakeApiServer } from './api/fake-api-server.fixture.ts';
import { OBJECT_ERRORS } from './errors.ts';
import { runReadmeExample } from './readme-example.fixture.ts';

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');

describe('the README', () => {
  it('has an example that runs unmodified', async () => {
    const server = await startFakeApiServer();
    try {
      server.answer = answerSmallCluster;
      const printed = await runReadmeExample(new URL('../', import.meta.url), server);
      expect(printed).toBe('kube-apiserver\nchanged in revision 7\n');
      const put = server.requests.find(({ line }) => line === 'PUT /api/v1/nodes/node01');
      expect(JSON.parse(put?.body ?? '{}')).toMatchObject({ spec: { unschedulable: true } });
    } finally {
      await server.close();
    }
  });

  it('explains every code', async () => {
    const explained = [...(await read('../README.md')).matchAll(/^\| `(OBJECT_\w+)` \|/gm)].map(([, code]) => code);
    expect(explained).toEqual(Object.keys(OBJECT_ERRORS));
  });
});
