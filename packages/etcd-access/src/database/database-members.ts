import type { HostFiles, HostPath } from '@kube-rescue/host';
import type { Member } from '../client/member.ts';
import { EtcdError } from '../errors.ts';
import { openDatabase } from './database-file.ts';

/**
 * The members as a database lists them, of a member that is down, of one that runs, or of a snapshot; `undefined` when there is no
 * such file.
 *
 * As old as the last commit of that database. A member that is shown as a learner may have been promoted since: some releases of
 * etcd 3.5 and 3.6 did not store it (etcd, `server/etcdserver/api/membership/cluster.go`).
 * @throws EtcdError `ETCD_DATABASE_INVALID`; HostError
 */
export async function readDatabaseMembers(
  path: HostPath,
  { host }: { readonly host: Pick<HostFiles, 'readRange'> },
): Promise<readonly Member[] | undefined> {
  const database = await openDatabase(path, { host });
  if (database === undefined) return undefined;
  const members: Member[] = [];
  for await (const { value } of database.entries('members')) members.push(parseMember(value, path));
  return members;
}

/** Member ids are 64-bit numbers, which `JSON.parse` would round. */
function parseMember(value: Uint8Array, path: HostPath): Member {
  try {
    const text = Buffer.from(value)
      .toString()
      .replaceAll(/"id"\s*:\s*(\d{1,20})/g, '"id":"$1"');
    const { id, name, peerURLs, clientURLs, isLearner } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return {
      id: BigInt(String(id)).toString(16),
      name: typeof name === 'string' ? name : '',
      peerUrls: textsOf(peerURLs),
      clientUrls: textsOf(clientURLs),
      isLearner: isLearner === true,
    };
  } catch (cause) {
    throw new EtcdError({
      code: 'ETCD_DATABASE_INVALID',
      message: 'not a readable database of etcd: an entry of its members is no member',
      subject: path,
      hint: 'use another copy of the database',
      cause,
    });
  }
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
