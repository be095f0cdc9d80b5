import type { Host } from '@kube-rescue/host';
import type { WantedName } from './record-condition.ts';
import type { DnsSession } from './dns-session.ts';
import { type EndpointProbe, judgeEndpoint } from './endpoint-condition.ts';
import type { JudgedCondition } from './condition.ts';
import { findRecords, isAddress, judgeRecord, type ZoneView } from './record-condition.ts';
import { judgeResolution } from './resolution-condition.ts';

export interface NameDeps {
  readonly dns: DnsSession;
  readonly host: Pick<Host, 'request'>;
  /** `undefined`: endpoints are not probed. */
  readonly endpoint: EndpointProbe | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Checks one name: the record in its zone, its resolution, its endpoint. */
export async function judgeName(
  wanted: WantedName,
  view: ZoneView,
  deps: NameDeps,
): Promise<readonly JudgedCondition[]> {
  const held = findRecords(wanted.name, view.records ?? []);
  const record = await judgeRecord(wanted, view, held, deps.dns);
  const { condition: resolution, addresses } = await judgeResolution(wanted, view, held, deps.dns);
  if (deps.endpoint === undefined) return [record, resolution];
  const fallback = [...wanted.targets, ...held.flatMap(({ values }) => values)].filter(isAddress);
  return [record, resolution, await judgeEndpoint(wanted.name, addresses, fallback, deps.endpoint, deps)];
}
