import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { STALE_KEYS } from '../../self-hosted/objects/services.ts';

/** A secret, and its name in a proof. */
interface Hidden {
  readonly what: string;
  readonly text: string;
}

/**
 * Proves that neither the output nor any journal on the control-plane node holds an old or new AWS secret key, in plain text
 * or base64, and that no access key id is printed in full.
 *
 * @param printed the whole output of the recovery
 * @param journals the directory of the runs on the node
 */
export function proveSecrecy(
  cluster: SelfHostedCluster,
  { printed, journals }: { readonly printed: readonly string[]; readonly journals: string },
  deps: LabDeps,
): Promise<Proof> {
  return prove('no AWS secret was printed or written to a journal', async () => {
    const given = JSON.parse(await readNodeText(cluster.outside.keysFile, deps)) as Record<string, string>;
    const secrets = [STALE_KEYS.AWS_SECRET_ACCESS_KEY, given['SecretAccessKey'] ?? ''].flatMap((text) => [
      { what: 'a secret key', text },
      { what: 'a secret key in base64', text: Buffer.from(text).toString('base64') },
    ]);
    const ids = [STALE_KEYS.AWS_ACCESS_KEY_ID, given['AccessKeyId'] ?? ''];
    const all = [...secrets, ...ids.map((text) => ({ what: 'an access key id', text }))];
    const output = printed.join('\n');
    const found = findHidden(output, all).map((what) => `${what} was printed`);
    const find = ['find', journals, '-name', 'journal.jsonl'] as const;
    const files = (await execOnNode(cluster, find, deps)).stdout.split('\n').filter((line) => line !== '');
    for (const file of files) {
      const { stdout } = await execOnNode(cluster, ['cat', file], deps);
      found.push(...findHidden(stdout, secrets).map((what) => `${what} is in ${file}`));
    }
    const detail = `${Buffer.byteLength(output)} bytes of output and ${files.length} journals were searched`;
    return { ok: found.length === 0 && files.length > 0, detail: found.length === 0 ? detail : found.join('; ') };
  });
}

function findHidden(text: string, hidden: readonly Hidden[]): readonly string[] {
  return hidden.filter((each) => each.text !== '' && text.includes(each.text)).map(({ what }) => what);
}
