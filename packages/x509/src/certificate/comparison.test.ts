import { describe, expect, it } from 'vitest';
import { issueCa, type Issued, issueLeaf } from '../../../cert-rotation/src/objects/issued.fixture.ts';
import { parseCertificates } from './certificate.ts';
import { isSignedBy } from './comparison.ts';

const read = ({ certificate }: Issued) => parseCertificates(certificate, 'test')[0];

describe('a CA', () => {
  it('is recognised by its signature, not by its name', async () => {
    const [mine, namesake] = await Promise.all([issueCa('ca', { keyIds: false }), issueCa('ca', { keyIds: false })]);
    const leaf = read(await issueLeaf('leaf', { issuer: mine, keyIds: false }));
    expect(isSignedBy(leaf, read(mine))).toBe(true);
    expect(isSignedBy(leaf, read(namesake))).toBe(false);
  });

  it('stays the issuer when it is reissued with the same key', async () => {
    const first = await issueCa('ca', { from: -50, until: -1 });
    const leaf = read(await issueLeaf('leaf', { issuer: first }));
    expect(isSignedBy(leaf, read(await issueCa('ca', { key: first.key })))).toBe(true);
    expect(isSignedBy(leaf, read(await issueCa('other', { key: first.key })))).toBe(false);
  });
});
