/**
 * Whether a name passes as a domain name of a certificate (crypto/x509 parser.go domainNameValid).
 *
 * @param isConstraint a constraint may begin with a dot
 */
export function isDomainName(name: string, isConstraint: boolean): boolean {
  if (name === '') return true;
  const labels = (isConstraint && name.startsWith('.') ? name.slice(1) : name).split('.');
  return labels.every((label) => label !== '' && /^[\x21-\x7e]+$/.test(label));
}

/** The parts of `local@domain`; `undefined` for a mailbox with a quoted local part, which no Kubernetes certificate has. */
export function splitMailbox(mailbox: string): { readonly local: string; readonly domain: string } | undefined {
  const parts = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@]+)$/.exec(mailbox);
  const [, local, domain] = parts ?? [];
  if (local === undefined || domain === undefined || !isDomainName(domain, false)) return undefined;
  return { local, domain: domain.toLowerCase() };
}

/** The host of a URI name without port; `''` without one, `undefined` for a URI that Go does not parse for sure. */
export function hostOfUri(uri: string): string | undefined {
  const found = /^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/([A-Za-z0-9._-]*)(?::\d{0,5})?(?:[/?#]|$)|[A-Za-z0-9])/.exec(uri);
  if (found === null || !/^(?:[\w.~:/?#@!$&'()*+,;=[\]-]|%[0-9A-Fa-f]{2})*$/.test(uri)) return undefined;
  const host = found[1] ?? '';
  return isDomainName(host, false) ? host : undefined;
}
