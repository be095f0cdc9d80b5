import { readFileSync } from 'node:fs';
import { redact } from '@kube-rescue/errors';
import { describe, expect, it } from 'vitest';
import { isTest, listPages, listSources, refusedInPage, refusedInSource } from './own-words/files.ts';
import { printedTexts, publicNames, testTitles } from './own-words/source-texts.ts';
import { refusedInName, refusedInText } from './own-words/word-table.ts';

/** Journals of earlier runs have the fields of these files, and must stay readable. */
const STORED_NAMES: readonly string[] = [
  'packages/cert-rotation/src/rotation/publication-kind.ts',
  'packages/cluster-objects/src/changes/object-changes.ts',
  'packages/pod-bootstrap/src/pods/pod-restart-kind.ts',
];

describe('the words of docs/style.md', () => {
  it.each([
    ['there is no way in to etcd', 'way in'],
    ['its node cp1 is not heard', 'heard'],
    ['the CA is issued\n  anew', 'anew'],
    ['Nobody holds the lock', 'Nobody'],
    ["somebody's pod has the name", 'somebody'],
    ['the address is none', 'is none'],
    ['the run was gone on\nwith', 'gone on with'],
    ['the API server is dead', 'dead'],
    ['the key of the authority is missing', 'authority'],
    ['/etc/kubernetes is no folder', 'folder'],
    ['13 steps already as they should be', 'as they should be'],
    ['the file is in a safe place', 'place'],
  ])('refuse %j in a text', (text, word) => {
    expect(refusedInText(text).map((each) => each.word)).toEqual([word]);
  });

  it.each([
    'there are two ways in which a pod can be placed in place of another; the placeholder stays',
    'no authority key identifier, a certificate authority, the header :authority',
    'recover a dead cluster; dead code and a dead link',
    'a long-standing third-party plugin takes place of none; folderless cutoff; there is none',
    'ETCD_NO_WAY_IN, toldest, --cut-off-at, the kubelet starts again at once',
    'a mender of curls looks up the lookup',
  ])('accept %j in a text', (text) => {
    expect(refusedInText(text)).toEqual([]);
  });

  it.each([
    ['EtcdWayIn', 'way in'],
    ['NO_WAY_BACK', 'way back'],
    ['createRescueRoom', 'room'],
    ['FlannelSight', 'sight'],
    ['AuthorityId', 'authority'],
    ['issueAnew', 'anew'],
    ['isDead', 'dead'],
    ['flannel/cluster-lanes.ts', 'lanes'],
  ])('refuse %s as a name', (name, word) => {
    expect(refusedInName(name).map((each) => each.word)).toContain(word);
  });

  it.each(['authorityKeyIdentifier', 'replaceInPlace', 'createGatewayPlaceholder', 'RoommateLookup', 'dead-link.ts'])(
    'accept %s as a name',
    (name) => {
      expect(refusedInName(name)).toEqual([]);
    },
  );

  it('are found in every literal, title and name of a source, with their lines', () => {
    const source = [
      '/** Nobody: a comment is not searched. */',
      "const pattern = /['`]nobody/;",
      'export function findWayIn(): string {',
      "  if (a / b > 1) return 'nobody answers';",
      '  return `the ${pods.map((pod) => `dead ${pod}`)} of\n    somebody`;',
      '}',
      "const status = { hint: 'anew', kind: 'dead', readonly: 'folder' };",
      "it.each([1])('is told %i', async () => {});",
    ].join('\n');
    expect(
      printedTexts(source).flatMap(({ text, line }) => refusedInText(text).map(({ word }) => `${line} ${word}`)),
    ).toEqual(['4 nobody', '5 dead', '5 somebody', '8 anew', '9 told']);
    expect(testTitles(source)).toMatchObject([{ text: 'is told %i', line: 9 }]);
    expect(publicNames(source)).toMatchObject([{ text: 'findWayIn', line: 3 }]);
  });
});

const isDue = (file: string): boolean => !STORED_NAMES.some((each) => file.startsWith(each));
const read = (file: string): string => readFileSync(file, 'utf8');

describe('what people read', () => {
  it('has none of the refused words in the documentation', () => {
    const pages = listPages();
    expect(pages.length).toBeGreaterThan(50);
    expect(pages.filter(isDue).flatMap(refusedInPage)).toEqual([]);
  });

  it('has times to the second in the documentation', () => {
    expect(listPages().filter((page) => /T\d\d:\d\d:\d\d\.\d{3}Z/.test(read(page)))).toEqual([]);
  });

  it('has none of the refused words in what the program prints, in test titles and in names', () => {
    const sources = listSources();
    expect(sources.length).toBeGreaterThan(900);
    expect(sources.filter(isDue).flatMap(refusedInSource)).toEqual([]);
  });

  it('loses no word of ours to the redaction of secrets', () => {
    const sources = listSources().filter(
      (file) => /^(?:packages|apps)\//.test(file) && !isTest(file) && !/fixture|(?:lab|testing)\//.test(file),
    );
    // Files, such as kubeconfigs, are not messages.
    const printed = sources.flatMap((file) =>
      printedTexts(read(file))
        .filter(({ text }) => !text.includes('\n'))
        .map(({ text }) => ({ file, text })),
    );
    expect(printed.length).toBeGreaterThan(2000);
    expect(printed.filter(({ text }) => redact(text) !== text)).toEqual([]);
  });
});
