import { type HostPath, hostPath } from '@kube-rescue/host';
import type { Json } from '@kube-rescue/workflow';
import type { EtcdSearch } from './etcd-connection.ts';

/** The part of a search that a later process needs for the same connection: paths, never file contents. */
export function toRecordedSearch(search: EtcdSearch): Json {
  const { endpoint, ca, client, rotatedSet, acceptExpiredServer } = search;
  return {
    ...{ endpoint: endpoint ?? null, ca: ca ?? null, rotatedSet: rotatedSet ?? null },
    ...{ certificate: client?.certificate ?? null, key: client?.key ?? null },
    acceptExpiredServer: acceptExpiredServer ?? false,
  };
}

/** The search that {@link toRecordedSearch} has recorded. */
export function toSearch(recorded: Json): EtcdSearch {
  const fields = recorded as Readonly<Record<string, Json>>;
  const textOf = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === 'string' ? value : undefined;
  };
  const pathOf = (name: string): HostPath | undefined => {
    const text = textOf(name);
    return text === undefined ? undefined : hostPath(text);
  };
  const [certificate, key] = [pathOf('certificate'), pathOf('key')];
  return {
    endpoint: textOf('endpoint'),
    ca: pathOf('ca'),
    client: certificate === undefined || key === undefined ? undefined : { certificate, key },
    rotatedSet: pathOf('rotatedSet'),
    acceptExpiredServer: fields['acceptExpiredServer'] === true,
  };
}
