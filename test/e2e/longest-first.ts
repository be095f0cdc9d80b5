import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take minutes, the longest first, so that they do not delay the end of the run. */
const LONGEST = [
  'saturday',
  'ha-expired',
  'ca-rotation',
  'crash',
  'ca-expired',
  'etcd-restore',
  'single-faults',
  'kubeadm-expired',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.e2e.test.ts`));
      return index === -1 ? LONGEST.length : index;
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}
