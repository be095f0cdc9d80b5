import type { IntentRecord } from '../journal/journal-record.ts';
import type { Change } from '../plan/change.ts';

/** Changes that are rolled back as a whole or not at all, newest first. */
export type Unit = readonly IntentRecord[];

/** The endings by which programs name the parts of one pair: `ca.crt` and `ca.key`, `server.pem` and `server-key.pem`, `sa.pub`. */
const PAIR_ENDING = /(?:[-_.](?:key|cert|crt))?\.(?:pem|crt|cert|key|pub)$/i;
/** `cert.pem` and `key.pem` name their part only. */
const PART_NAME = /^(?:cert|key|tls|fullchain|privkey)$/i;

/**
 * Groups the changes of a run into units, newest first: those of one unit of the journal, those of the same target, and those
 * of files whose names make them one pair. In journals of version 1, the files of the same step on the same machine.
 */
export function groupUnits(intents: readonly IntentRecord[]): readonly Unit[] {
  const unitOf = new Map<string, Set<IntentRecord>>();
  for (const intent of intents) {
    const keys = keysOf(intent);
    const same = new Set(keys.flatMap((key) => unitOf.get(key) ?? []));
    // The largest takes the others in, so that each change moves seldom.
    const [unit = new Set<IntentRecord>(), ...others] = [...same].toSorted((a, b) => b.size - a.size);
    unit.add(intent);
    for (const other of others) for (const member of other) unit.add(member);
    for (const key of [...keys, ...others.flatMap((other) => [...other].flatMap(keysOf))]) unitOf.set(key, unit);
  }
  const units = [...new Set(unitOf.values())].map((unit) => [...unit].toSorted((a, b) => b.seq - a.seq));
  return units.toSorted(([a], [b]) => (b?.seq ?? 0) - (a?.seq ?? 0));
}

function keysOf({ step, unit, change }: IntentRecord): readonly string[] {
  const target = `target ${isObjectChange(change) ? 'object' : 'file'} ${change.target}`;
  if (unit !== undefined) return [`unit ${unit}`, target, ...pairOf(change)];
  return isObjectChange(change) ? [target] : [`step ${step} ${machineOf(change)}`, target, ...pairOf(change)];
}

/** Whether a change is one of an object of the cluster, which has its key and its certificate in itself. */
export function isObjectChange({ kind }: Change): boolean {
  return kind.startsWith('object.');
}

/** The worker of a change on another machine. */
function machineOf({ node }: Change): string {
  return node === undefined ? '' : JSON.stringify(node);
}

function pairOf({ kind, target }: Change): readonly string[] {
  if (!/(?:^|\.)(?:file|symlink)\./.test(kind)) return [];
  const slash = target.lastIndexOf('/') + 1;
  const name = target.slice(slash);
  if (!PAIR_ENDING.test(name)) return [];
  const stem = name.replace(PAIR_ENDING, '');
  return [`pair ${target.slice(0, slash)}${PART_NAME.test(stem) ? '' : stem}`];
}
