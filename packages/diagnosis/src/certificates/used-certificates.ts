import {
  type CertificateInventory,
  type CertificateRow,
  joinPlural,
  joinSubject,
  type JudgementOptions,
} from '@kube-rescue/cert-rotation';
import { reportUsedCertificates, type UsedReport } from '@kube-rescue/cert-rotation/used';
import type { Node, NodeDescription } from '@kube-rescue/node';
import { filesOfComponents, filesOfPod, filesOfUnits } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';

/**
 * The certificates that static pods, services and flags of this node use beside those of the catalogue: load balancers, cloud
 * controllers, plugins, identity providers. Reads files only.
 */
export async function checkUsedCertificates(
  { components, staticPods }: Pick<NodeDescription, 'components' | 'staticPods'>,
  inventory: CertificateInventory,
  options: JudgementOptions,
  { host }: Pick<Node, 'host'>,
): Promise<UsedReport> {
  const units = await filesOfUnits({ host });
  const files = [...filesOfComponents(components), ...staticPods.pods.flatMap(filesOfPod), ...units.files];
  const { rows, unread } = await reportUsedCertificates(files, inventory, options, { host });
  return { rows, unread: [...unread, ...units.problems] };
}

/**
 * Causes of the rows that do not work, equal ones as one.
 *
 * @param named files of flags that a finding names already
 */
export function findUsedProblems(rows: readonly CertificateRow[], named: ReadonlySet<string>): readonly Finding[] {
  const bad = rows.filter(({ status, path }) => status === 'problem' && !named.has(path));
  const groups = Map.groupBy(bad, (row) => {
    const [first, ...more] = problemsOf(row);
    return first === undefined || more.length > 0 ? `${row.id} ${row.path}` : `${first.code} ${first.message}`;
  });
  return [...groups.values()].map((group) => findingOf(group));
}

function problemsOf({ problems }: CertificateRow): CertificateRow['problems'] {
  return problems.filter(({ severity }) => severity === 'problem');
}

function findingOf(rows: readonly CertificateRow[]): Finding {
  const [row] = rows;
  const first = row && problemsOf(row)[0];
  if (row === undefined || first === undefined) throw new Error('a group has at least one row with a problem');
  if (rows.length === 1) {
    return {
      code: first.code,
      summary: joinSubject(row.name, first.message),
      evidence: row.problems.map(({ subject, message }) => joinSubject(subject || row.path, message)),
      hint: first.hint,
    };
  }
  return {
    code: first.code,
    summary: joinPlural(`${rows.length} certificates`, first.message),
    evidence: rows.map(({ name, path, problems }) => `${name} (${path}): ${problems[0]?.hint ?? ''}`),
    hint: 'renew each where it was issued, then restart what uses it',
  };
}
