import { buildPki, treeOf } from '@kube-rescue/testing';
import { parseCertificates } from '@kube-rescue/x509';
import { describe, expect, it } from 'vitest';
import { nodeOf, NOW, pki } from '../gates/gate-node.fixture.ts';
import { describePodCertificates, findPodCertificates, type PodCertificates } from './pod-certificates.ts';

const REQUESTS = '/apis/certificates.k8s.io/v1/podcertificaterequests';
const VOLUMES = '/var/lib/kubelet/pods/web-uid/volumes/kubernetes.io~projected/identity';
const SIGNER = 'example.org/mesh';
const [ca] = parseCertificates(pki.pairs.ca.certificate, 'ca.crt');
const former = await buildPki({ now: NOW, algorithm: 'ecdsa' });
const ofFormer = former.pairs['apiserver-kubelet-client'].certificate;
const ofPresent = pki.pairs['apiserver-kubelet-client'].certificate;
const ofAnother = pki.pairs['front-proxy-client'].certificate;

function pod(name: string, source: object = { credentialBundlePath: 'bundle.pem' }, phase = 'Running'): unknown {
  const volume = { name: 'identity', projected: { sources: [{ podCertificate: { signerName: SIGNER, ...source } }] } };
  return {
    metadata: { namespace: 'shop', name, uid: `${name}-uid` },
    spec: { volumes: [{ name: 'tmp', emptyDir: {} }, volume] },
    status: { phase },
  };
}

function request(
  podUID: string,
  certificateChain: string,
  { signer = SIGNER, notBefore = '2026-11-22' } = {},
): unknown {
  return { spec: { podUID, signerName: signer }, status: { certificateChain, notBefore } };
}

function find(
  pods: readonly unknown[],
  { requests = [], files = {} }: { requests?: readonly unknown[]; files?: Readonly<Record<string, string>> } = {},
): Promise<PodCertificates> {
  const objects = { '/api/v1/pods': { items: pods }, [REQUESTS]: { items: requests } };
  const node = nodeOf({ objects }, true, new Map([...pki.tree, ...treeOf(files)]));
  return findPodCertificates(ca, node, new AbortController().signal);
}

const WEB = ['shop/web (signer example.org/mesh)'];

describe('a pod has a certificate of the old CA', () => {
  it.each([
    ['credentialBundlePath', 'bundle.pem'],
    ['certificateChainPath', 'tls/chain.pem'],
  ])('when its volume on this node does (%s)', async (key, path) => {
    const files = { [`${VOLUMES}/${path}`]: `${former.pairs['apiserver-kubelet-client'].key}${ofFormer}` };
    expect(await find([pod('web', { [key]: path })], { files })).toEqual({ ofFormerCa: WEB, unread: [] });
  });

  it('when the request does for which it was issued, where the volume is on another node', async () => {
    expect(await find([pod('web')], { requests: [request('web-uid', ofFormer)] })).toEqual({
      ofFormerCa: WEB,
      unread: [],
    });
  });

  it('but not when the newest request, or the volume, has one of the new CA', async () => {
    const old = request('web-uid', ofFormer, { notBefore: '2026-11-21' });
    const requests = [request('web-uid', ofPresent), old];
    expect(await find([pod('web')], { requests })).toEqual({ ofFormerCa: [], unread: [] });
    const files = { [`${VOLUMES}/bundle.pem`]: ofPresent };
    expect(await find([pod('web')], { requests: [old], files })).toEqual({ ofFormerCa: [], unread: [] });
  });

  it('but not when its signer uses a CA of its own, or it has ended', async () => {
    expect(await find([pod('web')], { requests: [request('web-uid', ofAnother)] })).toEqual({
      ofFormerCa: [],
      unread: [],
    });
    const requests = [request('web-uid', ofFormer)];
    expect(await find([pod('web', {}, 'Succeeded')], { requests })).toEqual({ ofFormerCa: [], unread: [] });
  });

  it('or may have one, when nothing of its certificate can be read', async () => {
    const others = [request('api-uid', ofFormer), request('web-uid', ofFormer, { signer: 'example.org/other' })];
    expect(await find([pod('web')], { requests: others })).toEqual({ ofFormerCa: [], unread: WEB });
  });

  it.each(['../../../secret.pem', '/secret.pem', ''])('and no file outside of its volume is read: %j', async (path) => {
    const files = { '/secret.pem': ofFormer, '/var/lib/kubelet/pods/web-uid/secret.pem': ofFormer };
    expect(await find([pod('web', { credentialBundlePath: path })], { files })).toEqual({
      ofFormerCa: [],
      unread: WEB,
    });
  });

  it('which the warnings say, with what to do', () => {
    expect(describePodCertificates({ ofFormerCa: [], unread: [] })).toEqual([]);
    const names = Array.from({ length: 22 }, (_, at) => `shop/web-${at}`);
    const [old, unread] = describePodCertificates({ ofFormerCa: names, unread: WEB });
    expect(old).toMatch(/old CA.*give their signer the new CA, then replace the pods: shop\/web-0, .* and 2 more$/);
    expect(unread).toContain('shop/web (signer example.org/mesh)');
  });
});
