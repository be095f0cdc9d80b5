import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CrashPoints } from '@kube-rescue/testing';
import type { Reporter, TestModule } from 'vitest/node';
import { type Ended, renderEndings, sumOf } from './endings.ts';

/** Sums up the outcomes of all crash points of the step laws, and prints them. */
export class CrashReporter implements Reporter {
  readonly #file: string | undefined;

  /** @param file a JSON file for the report. Default: none. */
  constructor(file?: string) {
    this.#file = file;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const points = modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((test) => test.meta().crashPoints ?? []),
    );
    if (points.length === 0) return;
    process.stdout.write(`${renderReport(points)}\n`);
    if (this.#file !== undefined) {
      mkdirSync(path.dirname(this.#file), { recursive: true });
      writeFileSync(this.#file, `${JSON.stringify(points, null, 2)}\n`);
    }
    if (sumOf(points).lost > 0) process.exitCode = 1;
  }
}

function renderReport(points: readonly CrashPoints[]): string {
  const by = (key: 'kind' | 'subject'): readonly Ended[] => {
    const names = [...new Set(points.map((each) => each[key]))];
    return names.map((name) => ({ name, ...sumOf(points.filter((each) => each[key] === name)) }));
  };
  const total = { name: 'total', ...sumOf(points) };
  return ['crash points on files', '', ...renderEndings('failure', by('kind')), '']
    .concat(renderEndings('steps', [...by('subject'), total]))
    .join('\n');
}
