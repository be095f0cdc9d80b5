import { expect, it } from 'vitest';
import { loadClient } from './load-client.ts';

const failing = (code: string) => async (): Promise<never> => {
  throw Object.assign(new Error('cannot load'), { code });
};

it('says how to install the client library where it is missing', async () => {
  await expect(loadClient(failing('ERR_MODULE_NOT_FOUND'))).rejects.toMatchObject({
    code: 'OBJECT_CLIENT_MISSING',
    subject: '@kubernetes/client-node',
    hint: expect.stringContaining('npm install @kubernetes/client-node@') as string,
  });
});

it('reports a client library that does not load as it is', async () => {
  await expect(loadClient(failing('ERR_INVALID_ARG_TYPE'))).rejects.toThrow('cannot load');
});
