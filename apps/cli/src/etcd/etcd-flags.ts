import type { EtcdSearch } from '@kube-rescue/node';
import { Flags } from '@oclif/core';
import type { Session } from '../wiring.ts';

/** Endpoint and credentials of etcd; default: searched in the files and flags of the node. */
export const etcdFlags = {
  endpoint: Flags.string({ description: 'use this member instead of those found', helpValue: 'URL' }),
  cacert: Flags.string({ description: 'verify servers against this CA instead of those found', helpValue: 'FILE' }),
  cert: Flags.string({
    description: 'use this client certificate instead of those found',
    helpValue: 'FILE',
    dependsOn: ['key'],
  }),
  key: Flags.string({ description: 'private key of --cert', helpValue: 'FILE', dependsOn: ['cert'] }),
  certs: Flags.string({
    description: 'also search this certificate set, as tls_rotate generates it',
    helpValue: 'DIR',
    aliases: ['rotated-set'],
  }),
  'accept-expired-server': Flags.boolean({
    description: 'accept an expired server certificate; everything else is still verified',
  }),
};

/** Sources of the objects of the cluster. */
export const VIA = ['etcd', 'api'] as const;

export const namespaceFlag = Flags.string({
  char: 'n',
  description: 'namespace of the object',
  default: 'default',
  helpValue: 'NAMESPACE',
});

export interface EtcdFlags {
  readonly endpoint: string | undefined;
  readonly cacert: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly certs: string | undefined;
  readonly 'accept-expired-server': boolean;
}

export function toSearch(flags: EtcdFlags, { localFiles, etcdctlEnvironment }: Session): EtcdSearch {
  const { endpoint, cacert, cert, key, certs } = flags;
  return {
    endpoint,
    ca: cacert === undefined ? undefined : localFiles.path(cacert),
    client:
      cert === undefined || key === undefined
        ? undefined
        : { certificate: localFiles.path(cert), key: localFiles.path(key) },
    rotatedSet: certs === undefined ? undefined : localFiles.path(certs),
    acceptExpiredServer: flags['accept-expired-server'],
    environment: etcdctlEnvironment,
  };
}
