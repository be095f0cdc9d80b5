const BEGIN = '-----BEGIN ';

/** Tells whether a text holds the beginning of a PEM block anywhere, whole or not. Cheap: for texts that may be anything. */
export function containsPem(text: string): boolean {
  return text.includes(BEGIN);
}

/** Tells whether a line of a text begins a PEM block; a script or manifest that quotes PEM inside a line does not count. */
export function hasPemLine(text: string): boolean {
  return containsPem(text) && /^[ \t]*-----BEGIN [A-Z0-9 ]+-----/m.test(text);
}

/** Tells whether a text holds the beginning of a certificate in PEM anywhere, whole or not. Cheap. */
export function containsCertificates(text: string): boolean {
  return text.includes(`${BEGIN}CERTIFICATE-----`);
}

/** Tells whether a line of a text is the beginning of a certificate in PEM. */
export function hasCertificateLine(text: string): boolean {
  return containsCertificates(text) && /^[ \t]*-----BEGIN CERTIFICATE-----[ \t]*$/m.test(text);
}

/** Tells whether a text holds the beginning of a private key in PEM anywhere, whole or not. Cheap. */
export function containsPrivateKey(text: string): boolean {
  return containsPem(text) && /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
}
