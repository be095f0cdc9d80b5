import type { InspectedCertificate } from '@kube-rescue/cert-rotation';
import { formatTime } from '@kube-rescue/errors';
import type { Terminal } from '../terminal.ts';
import { paint } from './style.ts';
import { indentText } from './text.ts';

/** Certificates in full, one below the other. */
export function renderInspection(certificates: readonly InspectedCertificate[], terminal: Terminal): string {
  return certificates.map((certificate) => renderOne(certificate, terminal)).join('\n\n');
}

function renderOne(certificate: InspectedCertificate, terminal: Terminal): string {
  const { keyMatches, chain, chainFlaw, daysLeft, pathLength } = certificate;
  const lifetime = daysLeft < 0 ? `expired ${-daysLeft - 1} days ago` : `${daysLeft} days left`;
  const limit = pathLength === null ? '' : `, path length ${pathLength}`;
  const lines: readonly (readonly [string, string])[] = [
    ['subject', certificate.subject],
    ['issuer', certificate.issuer],
    ['serial', certificate.serialNumber],
    [
      'valid',
      `${formatTime(new Date(certificate.notBefore))} to ${formatTime(new Date(certificate.notAfter))} (${lifetime})`,
    ],
    ['names', listOf(certificate.subjectAltNames)],
    ['key', `${certificate.keyAlgorithm}${describeKeyMatch(keyMatches)}`],
    ['key usage', listOf(certificate.keyUsage)],
    ['extended', listOf(certificate.extendedKeyUsage)],
    ['ca', certificate.isCaCertificate ? `yes${limit}` : 'no'],
    ['SKI', certificate.subjectKeyIdentifier ?? '-'],
    ['AKI', certificate.authorityKeyIdentifier ?? '-'],
    ['SHA-256', certificate.fingerprint256],
    ['chain', [...chain, ...(chainFlaw === null ? [] : [`(${chainFlaw})`])].join(' <- ') || 'self-signed'],
  ];
  const head = `${certificate.location} (${certificate.part})`;
  const colour = daysLeft < 0 || keyMatches === false ? 'red' : undefined;
  return [
    paint(indentText('', head, terminal.columns), colour, terminal),
    ...lines.map(([label, text]) => indentText(`  ${label.padEnd(10)} `, text, terminal.columns)),
  ].join('\n');
}

function describeKeyMatch(keyMatches: boolean | null): string {
  if (keyMatches === null) return '';
  return keyMatches ? ', matches its private key' : ', DOES NOT MATCH ITS PRIVATE KEY';
}

function listOf(texts: readonly string[]): string {
  return texts.length === 0 ? '-' : texts.join(', ');
}
