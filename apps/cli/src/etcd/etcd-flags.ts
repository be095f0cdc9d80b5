import { Flags } from '@oclif/core';
import type { EtcdSearch } from '@kube-rescue/recovery';
import type { Session } from '../wiring.ts';

/** Flags that say how etcd is reached; without them the node's own files and flags are searched. */
export const etcdFlags = {
  endpoint: Flags.string({ description: 'ask this member instead of those that are found', helpValue: 'URL' }),
  cacert: Flags.string({ description: 'judge servers by this CA instead of those that are found', helpValue: 'FILE' }),
  cert: Flags.string({
    description: 'show this client certificate instead of those that are found',
    helpValue: 'FILE',
    dependsOn: ['key'],
  }),
  key: Flags.string({ description: 'the key of --cert', helpValue: 'FILE', dependsOn: ['cert'] }),
  'accept-expired-server': Flags.boolean({
    description: 'believe a server whose certificate has expired; everything else of it is verified',
  }),
};

/** Which way to the objects is taken. */
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
  readonly 'accept-expired-server': boolean;
}

export function toSearch(flags: EtcdFlags, { desk, etcdctlEnvironment }: Session): EtcdSearch {
  const { endpoint, cacert, cert, key } = flags;
  return {
    endpoint,
    ca: cacert === undefined ? undefined : desk.path(cacert),
    client: cert === undefined || key === undefined ? undefined : { certificate: desk.path(cert), key: desk.path(key) },
    acceptExpiredServer: flags['accept-expired-server'],
    environment: etcdctlEnvironment,
  };
}
