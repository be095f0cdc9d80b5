import { issueCertificate, LEAF_NAMES } from '@kube-rescue/testing';
import {
  anotherPki,
  copyOf,
  daysFromNow,
  type Machine,
  pairFiles,
  PKI,
  pkiOf,
  signLeaf,
  withFiles,
} from '../machine.ts';

/** CAs: missing keys, other CAs, bundles. */
export const CAS: readonly Machine[] = [
  {
    title: 'Everything has expired, and the cluster CA key is elsewhere',
    broken: 'The key of an external CA is kept in a vault of the company.',
    build: async () => copyOf((await pkiOf({ expired: LEAF_NAMES, missingCaKeys: ['ca'] })).tree),
  },
  {
    title: 'The CA keys are missing, and nothing has expired',
    broken: 'Nothing yet: the certificates cannot be renewed on this node.',
    build: async () => copyOf((await pkiOf({ missingCaKeys: ['ca', 'front-proxy-ca', 'etcd/ca'] })).tree),
  },
  {
    title: 'The key of the CA is that of another CA',
    broken: 'ca.key was copied from another cluster; the leaves have expired.',
    build: async () => copyOf((await pkiOf({ expired: LEAF_NAMES, wrongKey: ['ca'] })).tree),
  },
  {
    title: 'The CA was replaced',
    broken: 'ca.crt and ca.key are those of a new CA of the same name; every certificate is of the old one.',
    build: async () => {
      const { tree } = await pkiOf();
      const { certificate, key } = (await anotherPki()).pairs.ca;
      return copyOf(withFiles(tree, { [`${PKI}/ca.crt`]: certificate, [`${PKI}/ca.key`]: key }));
    },
  },
  {
    title: 'A bundle whose old CA has expired',
    broken: 'ca.crt holds a new CA, and the old one, which expired yesterday and has signed every leaf.',
    build: async () => {
      const { tree, pairs } = await pkiOf({ expired: ['ca'] });
      const fresh = (await anotherPki()).pairs.ca;
      return copyOf(
        withFiles(tree, { [`${PKI}/ca.crt`]: fresh.certificate + pairs.ca.certificate, [`${PKI}/ca.key`]: fresh.key }),
      );
    },
  },
  {
    title: 'The front-proxy CA was replaced',
    broken: 'front-proxy-client.crt is still of the old one.',
    build: async () => {
      const { tree } = await pkiOf();
      const { certificate, key } = (await anotherPki()).pairs['front-proxy-ca'];
      return copyOf(
        withFiles(tree, { [`${PKI}/front-proxy-ca.crt`]: certificate, [`${PKI}/front-proxy-ca.key`]: key }),
      );
    },
  },
  {
    title: 'The certificates of another control-plane node',
    broken: "The API server's and etcd's certificates were copied from node02, 10.9.0.12, of the same cluster.",
    build: async () => {
      const { tree, pairs } = await pkiOf();
      const names = 'DNS:node02,DNS:localhost,IP:10.9.0.12,IP:127.0.0.1';
      const apiserver = await signLeaf(pairs.ca, '/CN=kube-apiserver', { usage: 'serverAuth', names });
      const etcd = await signLeaf(pairs['etcd/ca'], '/CN=node02', { usage: 'serverAuth,clientAuth', names });
      return copyOf(
        withFiles(tree, {
          ...pairFiles('apiserver', apiserver),
          ...pairFiles('etcd/server', etcd),
          ...pairFiles('etcd/peer', etcd),
        }),
      );
    },
  },
  {
    title: 'The CA may not sign these names',
    broken:
      "The CA is a company's, with name constraints: DNS names below corp.example only. It has been good for nothing since.",
    build: async () => {
      const { tree, pairs } = await pkiOf();
      const certificate = await issueCertificate({
        subject: '/CN=kubernetes',
        extensions: [
          'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
          'basicConstraints=critical,CA:TRUE',
          'subjectKeyIdentifier=hash',
          'nameConstraints=critical,permitted;DNS:corp.example',
        ],
        key: pairs.ca.key,
        notBefore: daysFromNow(-400),
        notAfter: daysFromNow(3000),
      });
      return copyOf(withFiles(tree, { [`${PKI}/ca.crt`]: certificate }));
    },
  },
];
