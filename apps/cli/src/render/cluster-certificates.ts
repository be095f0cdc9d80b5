import type { ClusterCertificates } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import { count, indentText } from './text.ts';

/** A person plans ahead by the next few; the others are in the JSON. */
const FORECAST_LINES = 5;
const PLACES = 3;

/** What is wrong in the cluster's objects, where trust disagrees, and what breaks next. */
export function renderClusterCertificates(cluster: ClusterCertificates, { columns }: Terminal): string {
  const { certificates, disagreements, forecast } = cluster;
  const troubled = certificates.filter(({ problems }) => problems.length > 0);
  const lines = [
    `in the cluster's objects: ${count(certificates.length, 'certificate')}, ${troubled.length} with something to say`,
    ...troubled.flatMap(({ path, problems }) => [
      '',
      indentText('', path, columns),
      ...problems.flatMap(({ code, message, hint }) => [
        indentText('  - ', `${message} (${code})`, columns),
        indentText('    hint: ', hint, columns),
      ]),
    ]),
    '',
    disagreements.length === 0 ? 'files and objects trust the same' : 'where trust disagrees:',
    ...disagreements.flatMap(({ message, places, hint }) => [
      indentText('  - ', message, columns),
      indentText('    at: ', listPlaces(places), columns),
      indentText('    hint: ', hint, columns),
    ]),
    '',
    'what ends next:',
    ...forecast
      .slice(0, FORECAST_LINES)
      .map(({ at, consequence, places }) =>
        indentText(`  ${at.slice(0, 10)}  `, `${consequence} (${listPlaces(places)})`, columns),
      ),
  ];
  return lines.join('\n');
}

function listPlaces(places: readonly string[]): string {
  const rest = places.length - PLACES;
  return [...places.slice(0, PLACES), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}
