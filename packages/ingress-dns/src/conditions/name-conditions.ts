import type { Host } from '@kube-rescue/host';
import type { WantedName } from '../wanted-name.ts';
import type { DnsSession } from './dns-session.ts';
import { type EndpointProbe, judgeEndpoint } from './endpoint-condition.ts';
import type { SeenLink } from './condition.ts';
import { findRecords, isAddress, judgeRecord, type ZoneView } from './record-condition.ts';
import { judgeResolution } from './resolution-condition.ts';

export interface NameDeps {
  readonly dns: DnsSession;
  readonly host: Pick<Host, 'request'>;
  /** `undefined`: endpoints are not asked. */
  readonly endpoint: EndpointProbe | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Judges the last links of one name: what its zone holds, what the world is told, whether its endpoint answers. */
export async function judgeName(wanted: WantedName, view: ZoneView, deps: NameDeps): Promise<readonly SeenLink[]> {
  const held = findRecords(wanted.name, view.records ?? []);
  const record = await judgeRecord(wanted, view, held, deps.dns);
  const { link: resolution, addresses } = await judgeResolution(wanted, view, held, deps.dns);
  if (deps.endpoint === undefined) return [record, resolution];
  const fallback = [...wanted.targets, ...held.flatMap(({ values }) => values)].filter(isAddress);
  return [record, resolution, await judgeEndpoint(wanted.name, addresses, fallback, deps.endpoint, deps)];
}
