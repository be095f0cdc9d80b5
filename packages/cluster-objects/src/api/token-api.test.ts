import { expectCode } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeApiServer, replying, startFakeApiServer } from './fake-api-server.fixture.ts';
import { connectTokenApi, type TokenApi } from './token-api.ts';

const ACCOUNT = { namespace: 'kube-node-lease', name: 'default' };

let server: FakeApiServer;
let tokens: TokenApi;

beforeEach(async () => {
  server = await startFakeApiServer();
  tokens = connectTokenApi(server.access, { timeoutMs: 2000 });
});

afterEach(async () => {
  await tokens.close();
  await server.close();
});

const bodyOf = (at: number): unknown => JSON.parse(server.requests[at]?.body ?? '');

describe('the tokens of an API server', () => {
  it('are issued for a service account, for ten minutes', async () => {
    server.answer = replying(201, { kind: 'TokenRequest', status: { token: 'a.b.c' } });
    expect(await tokens.issue(ACCOUNT)).toBe('a.b.c');
    expect(server.requests[0]?.line).toBe('POST /api/v1/namespaces/kube-node-lease/serviceaccounts/default/token');
    expect(bodyOf(0)).toMatchObject({ kind: 'TokenRequest', spec: { expirationSeconds: 600 } });
  });

  it.each([
    [{ authenticated: true }, true],
    [{ authenticated: false, error: 'expired' }, false],
    [{ error: 'invalid bearer token' }, false],
  ])('are accepted by its own verdict (%j)', async (status, accepted) => {
    server.answer = replying(201, { kind: 'TokenReview', status });
    expect(await tokens.isAccepted('a.b.c')).toBe(accepted);
    expect(server.requests[0]?.line).toBe('POST /apis/authentication.k8s.io/v1/tokenreviews');
    expect(bodyOf(0)).toMatchObject({ kind: 'TokenReview', spec: { token: 'a.b.c' } });
  });

  it('are not known when it refuses, or answers with something else', async () => {
    server.answer = replying(403, { kind: 'Status', reason: 'Forbidden', message: 'a.b.c' });
    const error = await expectCode(tokens.isAccepted('a.b.c'), 'OBJECT_FORBIDDEN');
    expect(JSON.stringify(error)).not.toContain('a.b.c');
    server.answer = replying(201, { kind: 'TokenRequest', status: {} });
    await expectCode(tokens.issue(ACCOUNT), 'OBJECT_UNREADABLE');
  });
});
