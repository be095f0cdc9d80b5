const EMBEDDED_AUTHORITY = /(\bcertificate-authority-data["']?[ \t]*:[ \t]*["']?)([A-Za-z0-9+/]{64,}={0,2})/g;

/** Tells whether a text is a kubeconfig, or a template of one, that embeds what the API server is judged by. */
export function hasEmbeddedCa(text: string): boolean {
  return text.search(EMBEDDED_AUTHORITY) >= 0;
}

/** Puts other bundles in the place of the embedded ones; every other byte stays. */
export function exchangeEmbedded(text: string, exchange: (pem: string) => string): string {
  return text.replace(EMBEDDED_AUTHORITY, (whole, before: string, data: string) => {
    const pem = Buffer.from(data, 'base64').toString('latin1');
    const exchanged = exchange(pem);
    return exchanged === pem ? whole : before + Buffer.from(exchanged, 'latin1').toString('base64');
  });
}
