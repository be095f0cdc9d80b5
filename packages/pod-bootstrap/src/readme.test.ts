import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { answerSmallCluster, startFakeApiServer } from '../../cluster-objects/src/api/fake-api-server.fixture.ts';
import { runReadmeExample } from '../../cluster-objects/src/readme-example.fixture.ts';

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');

describe('the README', () => {
  it('has an example that runs unchanged', async () => {
    const server = await startFakeApiServer();
    server.answer = answerSmallCluster;
    try {
      const printed = await runReadmeExample(new URL('../', import.meta.url), server);
      expect(printed).toContain('kube-scheduler - false no controller runs it as a pod\n');
      expect(printed).toContain('missing: kube-controller-manager, kube-proxy, cluster-dns, kube-scheduler\n');
    } finally {
      await server.close();
    }
  });

  it('explains every code', async () => {
    const explained = [...(await read('../README.md')).matchAll(/^\| `(POD_\w+)` \|/gm)].map(([, code]) => code);
    const codes = [...(await read('errors.ts')).matchAll(/^  (POD_\w+):/gm)].map(([, code]) => code);
    expect(explained).toEqual(codes);
  });
});
