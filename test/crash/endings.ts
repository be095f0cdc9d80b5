import type { CrashPoints } from '@kube-rescue/testing';

type Counts = Pick<CrashPoints, 'points' | 'resumed' | 'rolledBack' | 'lost'>;

/** The number of points by outcome. */
export interface Ended extends Counts {
  readonly name: string;
}

export function sumOf(counts: readonly Counts[]): Counts {
  const sum = (key: keyof Counts): number => counts.reduce((total, each) => total + each[key], 0);
  return { points: sum('points'), resumed: sum('resumed'), rolledBack: sum('rolledBack'), lost: sum('lost') };
}

/** A table for a terminal. */
export function renderEndings(title: string, rows: readonly Ended[]): readonly string[] {
  const width = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const line = (name: string, numbers: readonly (number | string)[]): string =>
    `${name.padEnd(width)}${numbers.map((each) => String(each).padStart(13)).join('')}`;
  return [
    line(title, ['points', 'resumed', 'rolled back', 'lost']),
    ...rows.map(({ name, points, resumed, rolledBack, lost }) => line(name, [points, resumed, rolledBack, lost])),
  ];
}
