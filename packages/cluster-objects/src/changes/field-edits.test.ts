import { describe, expect, it } from 'vitest';
import { listEdits, revertEdits } from './field-edits.ts';

const BEFORE = { metadata: { labels: { a: '1' } }, spec: { paused: false, list: [1, 2] } };
const WRITTEN = { metadata: { labels: { a: '2' }, annotations: { ours: 'x' } }, spec: { paused: false, list: [1] } };
const EDITS = listEdits(BEFORE, WRITTEN);

describe('edits of an object', () => {
  it('are listed field by field, lists as a whole', () => {
    const paths = EDITS.map(({ path }) => path.join('.'));
    expect(new Set(paths)).toEqual(new Set(['metadata.labels.a', 'metadata.annotations.ours', 'spec.list']));
    expect(paths).toHaveLength(3);
  });

  it('are reverted without touching later changes of other fields', () => {
    const later = {
      metadata: { labels: { a: '2', b: 'theirs' }, annotations: { ours: 'x', revision: '2' } },
      spec: { paused: true, list: [1] },
    };
    expect(revertEdits(later, EDITS)).toEqual({
      state: 'undone',
      content: {
        metadata: { labels: { a: '1', b: 'theirs' }, annotations: { revision: '2' } },
        spec: { paused: true, list: [1, 2] },
      },
    });
  });

  it('are not reverted when the same fields were changed since, and these are named', () => {
    const later = { ...WRITTEN, metadata: { ...WRITTEN.metadata, labels: { a: '3' } } };
    expect(revertEdits(later, EDITS)).toEqual({ state: 'foreign', paths: ['metadata.labels.a'] });
  });

  it('are not reverted twice', () => {
    const [once, partly] = [revertEdits(WRITTEN, EDITS), { ...WRITTEN, spec: BEFORE.spec }];
    expect(once.state === 'undone' && revertEdits(once.content, EDITS)).toEqual({ state: 'already' });
    expect(revertEdits(partly, EDITS)).toMatchObject({ state: 'undone', content: { spec: BEFORE.spec } });
  });
});
