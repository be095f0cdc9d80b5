import { ACCOUNT, assertAllowed, AwsRefusal, type Identities, type Principal } from './identities.ts';
import { renderXml, type XmlTree } from './xml.ts';

const NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';

/**
 * Answers an STS request with an XML document.
 *
 * GetCallerIdentity is always allowed, as in the real STS.
 * @throws AwsRefusal
 */
export function answerSts(form: URLSearchParams, principal: Principal, identities: Identities): string {
  const action = form.get('Action') ?? '';
  if (action === 'GetCallerIdentity') {
    return document(action, [
      ['Arn', principal.arn],
      ['UserId', 'AIDAEXAMPLE'],
      ['Account', ACCOUNT],
    ]);
  }
  if (action !== 'AssumeRole') throw new AwsRefusal(400, 'InvalidAction', `Could not find operation ${action}`);
  const roleArn = form.get('RoleArn') ?? '';
  assertAllowed(principal, 'sts:AssumeRole', roleArn);
  const { key, arn, expiresAt } = identities.assumeRole(principal, {
    roleArn,
    session: form.get('RoleSessionName') ?? '',
    externalId: form.get('ExternalId') ?? undefined,
  });
  return document(action, [
    [
      'Credentials',
      [
        ['AccessKeyId', key.accessKeyId],
        ['SecretAccessKey', key.secretAccessKey],
        ['SessionToken', key.sessionToken ?? ''],
        ['Expiration', expiresAt.toISOString()],
      ],
    ],
    [
      'AssumedRoleUser',
      [
        ['Arn', arn],
        ['AssumedRoleId', 'AROAEXAMPLE:session'],
      ],
    ],
  ]);
}

function document(action: string, result: XmlTree): string {
  return renderXml([[`${action}Response ${NAMESPACE}`, [[`${action}Result`, result]]]]);
}
