import { describe, expect, it } from 'vitest';
import { withAnnotation } from './restart-floor.ts';

const WITHOUT = 'kind: Pod\nmetadata:\n  creationTimestamp: null\n  name: kube-scheduler\n';
const WITH = 'kind: Pod\nmetadata:\n  annotations:\n    other: x\n  name: etcd\n';

describe('the annotation that restarts a static pod', () => {
  it('is added to a manifest without annotations', () => {
    expect(withAnnotation(WITHOUT, 'a/b', '1')).toBe(
      'kind: Pod\nmetadata:\n  annotations:\n    a/b: "1"\n  creationTimestamp: null\n  name: kube-scheduler\n',
    );
  });

  it('replaces the annotation of an earlier restart and leaves the others alone', () => {
    const once = withAnnotation(WITH, 'a/b', '1');
    expect(withAnnotation(once, 'a/b', '2')).toBe(
      'kind: Pod\nmetadata:\n  annotations:\n    a/b: "2"\n    other: x\n  name: etcd\n',
    );
  });
});
