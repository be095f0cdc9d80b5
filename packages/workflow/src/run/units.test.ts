import { describe, expect, it } from 'vitest';
import type { IntentRecord } from '../journal/journal-record.ts';
import { groupUnits } from './units.ts';

function intent(seq: number, kind: string, target: string, unit?: string): IntentRecord {
  const change = { kind, target, before: 'absent' } as unknown as IntentRecord['change'];
  return { type: 'intent', seq, step: 'pki/renew', change, captured: null, ...(unit === undefined ? {} : { unit }) };
}

const seqs = (intents: readonly IntentRecord[]): readonly (readonly number[])[] =>
  groupUnits(intents).map((unit) => unit.map(({ seq }) => seq));

describe('the units of a rollback', () => {
  it('are those of the journal, newest first', () => {
    const files = [
      intent(0, 'file.replace', '/a.conf', 'one'),
      intent(1, 'file.replace', '/b.conf', 'one'),
      intent(2, 'file.replace', '/c.conf', 'two'),
    ];
    expect(seqs(files)).toEqual([[2], [1, 0]]);
  });

  it('join a key and its certificate, and every change of one target, over the units of the journal', () => {
    const files = [
      intent(0, 'file.replace', '/pki/x.key', 'one'),
      intent(1, 'file.replace', '/other', 'two'),
      intent(2, 'file.replace', '/pki/x.crt', 'three'),
      intent(3, 'file.replace', '/other', 'three'),
    ];
    expect(seqs(files)).toEqual([[3, 2, 1, 0]]);
  });

  it('of a journal of version 1 are the files of a step, and each object', () => {
    const changes = [
      intent(0, 'file.replace', '/a.conf'),
      intent(1, 'object.replace', 'Secret default/a'),
      intent(2, 'file.replace', '/b.conf'),
      intent(3, 'object.replace', 'Secret default/b'),
    ];
    expect(seqs(changes)).toEqual([[3], [2, 0], [1]]);
  });

  it('are found for very many objects', () => {
    const many = Array.from({ length: 50_000 }, (_, seq) =>
      intent(seq, 'object.replace', `Secret default/s${seq}`, `u ${seq}`),
    );
    expect(groupUnits(many)).toHaveLength(50_000);
  });
});
