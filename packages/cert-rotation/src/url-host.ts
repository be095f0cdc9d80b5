/** The host of an `http:` or `https:` URL without brackets; `undefined` for anything else. */
export function hostOfUrl(url: string): string | undefined {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
