import { AwsRefusal } from './aws-refusal.ts';
import { ACCOUNT, assertAllowed, type AwsKey, type Identities, type Principal } from './identities.ts';
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
  const session = identities.assumeRole(principal, {
    roleArn,
    session: form.get('RoleSessionName') ?? '',
    externalId: form.get('ExternalId') ?? undefined,
  });
  return sessionDocument(action, session);
}

/** The action of STS that is not signed: the token is the proof. */
export const UNSIGNED_ACTION = 'AssumeRoleWithWebIdentity';

/** Answers {@link UNSIGNED_ACTION}. @throws AwsRefusal */
export function answerUnsignedSts(form: URLSearchParams, identities: Identities): string {
  const session = identities.assumeRoleWithWebIdentity({
    roleArn: form.get('RoleArn') ?? '',
    session: form.get('RoleSessionName') ?? '',
    token: form.get('WebIdentityToken') ?? '',
  });
  return sessionDocument(UNSIGNED_ACTION, session);
}

function sessionDocument(
  action: string,
  { key, arn, expiresAt }: { readonly key: AwsKey; readonly arn: string; readonly expiresAt: Date },
): string {
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
