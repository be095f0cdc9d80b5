import { type Fields, fieldsAt, isRecord, textAt } from '@kube-rescue/cluster-objects';
import { IngressDnsError } from '../errors.ts';
import type { TrustPolicy } from './web-identity.ts';

/** What IAM takes as the version of a document without one ("IAM JSON policy elements: Version"). */
const OLDEST_VERSION = '2008-10-17';

/**
 * Reads the trust policy of a role: the answer of `aws iam get-role`, or the policy document alone. The document may be
 * percent-encoded, as the IAM API sends it.
 *
 * @throws IngressDnsError `DNS_TRUST_POLICY_UNREADABLE`
 */
export function parseTrustPolicy(text: string, where: string): TrustPolicy {
  const answer = parseObject(text);
  const role = isRecord(answer?.['Role']) ? answer['Role'] : answer;
  const given = role?.['AssumeRolePolicyDocument'] ?? answer;
  const document = typeof given === 'string' ? parseObject(decode(given)) : given;
  const statement = isRecord(document) ? document['Statement'] : undefined;
  const statements = (Array.isArray(statement) ? statement : [statement]).filter((each) => isRecord(each));
  if (statements.length === 0) {
    throw new IngressDnsError({
      code: 'DNS_TRUST_POLICY_UNREADABLE',
      message: 'this is not the trust policy of a role',
      subject: where,
      hint: 'write it with: aws iam get-role --role-name ROLE >role.json',
    });
  }
  return {
    roleArn: textAt(role, 'Arn'),
    version: textAt(fieldsAt({ document }, 'document'), 'Version') ?? OLDEST_VERSION,
    statements,
  };
}

function parseObject(text: string): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
