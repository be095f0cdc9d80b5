import type { IngressDnsError, IngressDnsErrorCode } from '../errors.ts';

/** The links of the chain from credentials to an endpoint that answers, in the order in which they are judged. */
export const LINK_IDS = [
  'credentials',
  'form',
  'clock',
  'identity',
  'list',
  'zone',
  'change',
  'delegation',
  'record',
  'resolution',
  'endpoint',
] as const;

export type LinkId = (typeof LINK_IDS)[number];

/** One link, and what was seen of it. Never holds a secret; access key ids are masked. */
export interface Link {
  readonly id: LinkId;
  /** What it is about: where the credentials are, a zone, a host name. */
  readonly subject: string;
  /**
   * `cause`: the first of its chain that is broken. `consequence`: broken, or not to be judged, behind a cause. `unknown`:
   * it could not be judged, and no cause explains why; never taken for `ok`.
   */
  readonly status: 'ok' | 'cause' | 'consequence' | 'unknown';
  /** One sentence in lower case without a period. */
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly code?: IngressDnsErrorCode | undefined;
  readonly hint?: string | undefined;
}

/** A link as it was seen, before it is known what caused what. */
export interface SeenLink extends Omit<Link, 'status'> {
  readonly status: 'ok' | 'broken' | 'unknown';
}

export function good(id: LinkId, subject: string, summary: string, evidence: readonly string[] = []): SeenLink {
  return { id, subject, status: 'ok', summary, evidence };
}

export function broken(
  id: LinkId,
  subject: string,
  failure: Pick<IngressDnsError, 'code' | 'message' | 'hint'>,
  evidence: readonly string[] = [],
): SeenLink {
  const { code, message, hint } = failure;
  return { id, subject, status: 'broken', code, summary: message, hint, evidence };
}

export function unknown(id: LinkId, subject: string, summary: string, evidence: readonly string[] = []): SeenLink {
  return { id, subject, status: 'unknown', summary, evidence };
}

/** Links that share what stands before them: the account, then a zone, then each of its names. */
export interface ChainTree {
  readonly links: readonly SeenLink[];
  readonly branches: readonly ChainTree[];
}

/**
 * Names in every chain the first broken link as the cause and what is wrong behind it as its consequence. Pure.
 *
 * @returns the links in the order in which they were judged
 */
export function nameCauses(tree: ChainTree, isExplained = false): readonly Link[] {
  let explained = isExplained;
  const own = tree.links.map((link): Link => {
    if (link.status === 'ok') return { ...link, status: 'ok' };
    if (explained) return { ...link, status: 'consequence' };
    if (link.status === 'unknown') return { ...link, status: 'unknown' };
    explained = true;
    return { ...link, status: 'cause' };
  });
  return [...own, ...tree.branches.flatMap((branch) => nameCauses(branch, explained))];
}
