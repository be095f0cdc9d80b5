import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { NodeTree } from '../node/node-tree.ts';

/** The trees after two undisturbed runs: bytes that differ between them are random. */
export type Undisturbed = readonly [readonly NodeTree[], readonly NodeTree[]];

const PEM = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g;
const EMBEDDED_PEM = /LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g;

/**
 * Compares trees with those after undisturbed runs: paths, modes, owners, links and bytes must be equal. Where two
 * undisturbed runs differ, certificates may differ only in serial number and key, keys must have the same algorithm, and the
 * rest of the file must be equal.
 */
export function assertLikeUndisturbed(trees: readonly NodeTree[], [goal, other]: Undisturbed, at: string): void {
  trees.forEach((tree, index) => {
    assert.deepEqual(
      toComparable(tree, goal[index], other[index]),
      toComparable(goal[index], goal[index], other[index]),
      at,
    );
  });
}

function toComparable(
  tree: NodeTree | undefined,
  goal: NodeTree | undefined,
  other: NodeTree | undefined,
): readonly unknown[] {
  return [...(tree ?? [])]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, entry]) => {
      if (entry.kind === 'link') return [path, entry];
      const text = Buffer.from(entry.bytes).toString('latin1');
      const isRandom = textAt(goal, path) !== textAt(other, path);
      return [path, { ...entry, bytes: isRandom ? describePem(text) : text }];
    });
}

function textAt(tree: NodeTree | undefined, path: string): string | undefined {
  const entry = [...(tree ?? [])].find(([each]) => each === path)?.[1];
  return entry?.kind === 'file' ? Buffer.from(entry.bytes).toString('latin1') : undefined;
}

function describePem(text: string): string {
  const plain = text.replace(EMBEDDED_PEM, (base64) => Buffer.from(base64, 'base64').toString('latin1'));
  return plain.replace(PEM, (block, label: string) => {
    if (label === 'PUBLIC KEY') return `(${label}: ${createPublicKey(block).asymmetricKeyType})`;
    if (label !== 'CERTIFICATE') return `(${label}: ${createPrivateKey(block).asymmetricKeyType})`;
    const { subject, issuer, subjectAltName, validFrom, validTo, ca, keyUsage, publicKey } = new X509Certificate(block);
    const kind = publicKey.asymmetricKeyType;
    return JSON.stringify({ subject, issuer, subjectAltName, validFrom, validTo, ca, keyUsage, kind });
  });
}
