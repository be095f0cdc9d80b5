import { parseCertificates } from '@kube-rescue/x509';
import { describe, expect, it } from 'vitest';
import { isIssuedBy } from './issuance.ts';
import { issueCa, type Issued, issueLeaf } from './issued.fixture.ts';

const read = ({ certificate }: Issued) => parseCertificates(certificate, 'test')[0];

describe('an authority', () => {
  it('is known by its signature, not by its name', async () => {
    const [mine, namesake] = await Promise.all([issueCa('ca', { keyIds: false }), issueCa('ca', { keyIds: false })]);
    const leaf = read(await issueLeaf('leaf', { issuer: mine, keyIds: false }));
    expect(isIssuedBy(leaf, read(mine))).toBe(true);
    expect(isIssuedBy(leaf, read(namesake))).toBe(false);
  });

  it('is the same when it is issued anew with the same key', async () => {
    const first = await issueCa('ca', { from: -50, until: -1 });
    const leaf = read(await issueLeaf('leaf', { issuer: first }));
    expect(isIssuedBy(leaf, read(await issueCa('ca', { key: first.key })))).toBe(true);
    expect(isIssuedBy(leaf, read(await issueCa('other', { key: first.key })))).toBe(false);
  });
});
