const EMBEDDED_CA = /(\bcertificate-authority-data["']?[ \t]*:[ \t]*["']?)([A-Za-z0-9+/]{64,}={0,2})/g;

/** Whether a text is a kubeconfig, or a template of one, with an embedded CA. */
export function hasEmbeddedCa(text: string): boolean {
  return text.search(EMBEDDED_CA) >= 0;
}

/** Replaces the embedded CA bundles; keeps every other byte. */
export function exchangeEmbedded(text: string, exchange: (pem: string) => string): string {
  return text.replace(EMBEDDED_CA, (whole, before: string, data: string) => {
    const pem = Buffer.from(data, 'base64').toString('latin1');
    const exchanged = exchange(pem);
    return exchanged === pem ? whole : before + Buffer.from(exchanged, 'latin1').toString('base64');
  });
}
