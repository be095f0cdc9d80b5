const BEGIN = '-----BEGIN ';

/** Whether a text contains the beginning of a PEM block, complete or not. Cheap: for arbitrary texts. */
export function containsPem(text: string): boolean {
  return text.includes(BEGIN);
}

/** Whether a PEM block begins at the beginning of a line, where Go finds it; quoted or indented PEM does not count. */
export function hasPemLine(text: string): boolean {
  return containsPem(text) && /^-----BEGIN [A-Z0-9 ]+-----/m.test(text);
}

/** Whether a text contains the beginning of a PEM certificate, complete or not. Cheap. */
export function containsCertificates(text: string): boolean {
  return text.includes(`${BEGIN}CERTIFICATE-----`);
}

/** Whether a line of a text is the beginning of a PEM certificate, with or without blanks before it. */
export function hasCertificateLine(text: string): boolean {
  return containsCertificates(text) && /^[ \t]*-----BEGIN CERTIFICATE-----[ \t]*$/m.test(text);
}

/** Whether a text contains the beginning of a PEM private key, complete or not. Cheap. */
export function containsPrivateKey(text: string): boolean {
  return containsPem(text) && /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
}
