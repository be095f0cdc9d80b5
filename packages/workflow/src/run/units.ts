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
 * of files whose names make them one pair. In journals of version 1, those of the same step on the same machine.
 */
export function groupUnits(intents: readonly IntentRecord[]): readonly Unit[] {
  const newestFirst = intents.toSorted((a, b) => b.seq - a.seq);
  const units: { readonly keys: Set<string>; readonly members: IntentRecord[] }[] = [];
  for (const intent of newestFirst) {
    const keys = new Set(keysOf(intent));
    const same = units.filter((unit) => [...keys].some((key) => unit.keys.has(key)));
    const [first, ...others] = same;
    if (first === undefined) {
      units.push({ keys, members: [intent] });
      continue;
    }
    first.members.push(intent);
    for (const key of keys) first.keys.add(key);
    for (const other of others) {
      first.members.push(...other.members);
      for (const key of other.keys) first.keys.add(key);
      units.splice(units.indexOf(other), 1);
    }
  }
  return units.map(({ members }) => members.toSorted((a, b) => b.seq - a.seq));
}

function keysOf({ step, unit, change }: IntentRecord): readonly string[] {
  const own = unit === undefined ? `step ${step} ${machineOf(change)}` : `unit ${unit}`;
  const pair = pairOf(change);
  return [own, `target ${change.kind.split('.')[0] === 'object' ? 'object' : 'file'} ${change.target}`, ...pair];
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
