import type { EtcdClient } from '@kube-rescue/etcd-access';
import type { Json } from '@kube-rescue/workflow';
import type { Node } from '../node.ts';
import { toSearch } from './recorded-search.ts';

/**
 * Connects to the etcd of this node as `toRecordedSearch` has recorded it; the caller closes the client.
 * @throws EtcdError `ETCD_NO_WORKING_CREDENTIALS`; NodeError `NODE_NOT_LIVE`
 */
export async function openMembers(node: Pick<Node, 'etcd'>, recorded: Json): Promise<EtcdClient> {
  const { client } = await node.etcd(toSearch(recorded), new AbortController().signal);
  return client;
}
