import { describe, expect, it } from 'vitest';
import { trackPackages } from './build-progress.ts';

/** Reports of a build in which each package takes a second. */
function reportsOf(total: number | undefined, compiled: number): readonly string[] {
  const reports: string[] = [];
  let now = new Date('2026-11-22T10:00:00Z').getTime();
  const track = trackPackages(total, (message) => reports.push(message), { now: () => new Date(now) });
  for (let done = 1; done <= compiled; done += 1) {
    now += 1000;
    track(`p${done}`);
  }
  return reports;
}

describe('the progress of a build', () => {
  it('has the number of packages and, once it can be known, the time left', () => {
    expect(reportsOf(200, 40)).toEqual([
      'compiled 10 of 200 packages, now p10',
      'compiled 20 of 200 packages, now p20, about 3 min left',
      'compiled 30 of 200 packages, now p30, about 3 min left',
      'compiled 40 of 200 packages, now p40, about 3 min left',
    ]);
  });

  it('promises no time when the total is unknown', () => {
    expect(reportsOf(undefined, 10)).toEqual(['compiled 10 packages, now p10']);
  });

  it('ends with the linker', () => {
    expect(reportsOf(10, 10)).toEqual(['compiled 10 of 10 packages, now p10, linking']);
  });
});
