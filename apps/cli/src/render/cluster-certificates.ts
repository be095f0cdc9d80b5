import type { ClusterCertificates } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import { count, indentHint, indentText } from './text.ts';

/** The operator plans by the next few; JSON has all of them. */
const FORECAST_LINES = 5;
const LOCATIONS = 3;

/** Problems of certificates in the cluster's objects, trust disagreements, and the next expirations. */
export function renderClusterCertificates(cluster: ClusterCertificates, terminal: Terminal): string {
  const { columns } = terminal;
  const { certificates, disagreements, forecast } = cluster;
  const troubled = certificates.filter(({ problems }) => problems.length > 0);
  const lines = [
    `in the cluster's objects: ${count(certificates.length, 'certificate')}, ${troubled.length} with problems or warnings`,
    ...troubled.flatMap(({ path, problems }) => [
      '',
      indentText('', path, columns),
      ...problems.flatMap(({ code, message, hint }) => [
        indentText('  - ', `${message} (${code})`, columns),
        indentHint('    hint: ', hint, terminal),
      ]),
    ]),
    '',
    disagreements.length === 0 ? 'files and objects trust the same CAs' : 'trust disagreements:',
    ...disagreements.flatMap(({ message, locations, hint }) => [
      indentText('  - ', message, columns),
      indentText('    at: ', listLocations(locations), columns),
      indentHint('    hint: ', hint, terminal),
    ]),
    '',
    'expires next:',
    ...forecast
      .slice(0, FORECAST_LINES)
      .map(({ at, consequence, locations }) =>
        indentText(`  ${at.slice(0, 10)}  `, `${consequence} (${listLocations(locations)})`, columns),
      ),
  ];
  return lines.join('\n');
}

function listLocations(locations: readonly string[]): string {
  const rest = locations.length - LOCATIONS;
  return [...locations.slice(0, LOCATIONS), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}
