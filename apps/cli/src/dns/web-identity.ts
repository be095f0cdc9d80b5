import type { CredentialSource, DnsCheckInput } from '@kube-rescue/ingress-dns';
import { usageError } from '../envelope.ts';
import { ingressDns, type Session } from '../wiring.ts';

/**
 * Adds to a web identity what this machine knows of it: the token of its pod, the issuer of the API server, and the trust policy
 * in a file. Changes nothing of other credentials.
 */
export async function completeWebIdentity(
  source: CredentialSource,
  trustPolicy: string | undefined,
  session: Session,
): Promise<Pick<DnsCheckInput, 'source' | 'webIdentity'>> {
  const { webIdentity } = source;
  if (webIdentity === undefined) {
    if (trustPolicy !== undefined) throw notWebIdentity(source);
    return { source };
  }
  const { readPodToken, readTokenIssuer } = await import('@kube-rescue/recovery');
  // Outside of a cluster the environment is that of the workload, or of somewhere else: this machine's API server is another one.
  const isOfCluster = webIdentity.subject !== undefined;
  const token = webIdentity.token ?? (await readPodToken(webIdentity.tokenFiles, session.node));
  return {
    source: { ...source, webIdentity: { ...webIdentity, token } },
    webIdentity: {
      ...(isOfCluster ? await readTokenIssuer(session.node) : {}),
      ...(trustPolicy === undefined ? {} : { trustPolicy: await readTrustPolicy(trustPolicy, session) }),
    },
  };
}

async function readTrustPolicy(file: string, { localFiles }: Session) {
  const { parseTrustPolicy } = await ingressDns();
  const path = localFiles.path(file);
  const bytes = await localFiles.host.readFile(path);
  if (bytes === undefined) throw usageError('file not found', path, 'check the path given with --trust-policy');
  return parseTrustPolicy(new TextDecoder().decode(bytes), path);
}

function notWebIdentity({ where }: CredentialSource): Error {
  return usageError(
    'these credentials are no web identity: no trust policy is judged',
    where,
    'leave --trust-policy out, or name the workload with --controller',
  );
}
