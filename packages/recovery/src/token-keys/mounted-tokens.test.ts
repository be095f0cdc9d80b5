import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { audiencesOf, isForApiServer, listMountedTokens } from './mounted-tokens.ts';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims: object): string => `${part({ alg: 'RS256', kid: 'k' })}.${part(claims)}.AAAA`;
const volume = (pod: string, name: string): string =>
  `/var/lib/kubelet/pods/${pod}/volumes/kubernetes.io~projected/${name}/token`;

describe('tokens that the kubelet has mounted', () => {
  it('are found in the projected volumes of each pod, and nothing else is', async () => {
    const host = createFakeHost({
      tree: treeOf({
        [volume('u1', 'kube-api-access-a')]: token({ aud: ['https://kubernetes.default.svc'] }),
        [volume('u1', 'vault')]: token({ aud: 'vault' }),
        [volume('u2', 'odd')]: 'words',
        '/var/lib/kubelet/pods/u3/volumes/kubernetes.io~secret/s/token': token({}),
      }),
    });
    const mounted = await listMountedTokens(host);
    expect(mounted.map(({ podUid, volume: name }) => `${podUid} ${name}`)).toEqual([
      'u1 kube-api-access-a',
      'u1 vault',
    ]);
    const audiences = audiencesOf(mounted[0]?.token.claims['aud']);
    expect(mounted.map(({ token: each }) => isForApiServer(each, audiences))).toEqual([true, false]);
  });

  it('are not found on a node without pods', async () => {
    expect(await listMountedTokens(createFakeHost())).toEqual([]);
  });
});
