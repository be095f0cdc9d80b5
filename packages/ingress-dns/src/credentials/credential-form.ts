import type { IngressDnsErrorCode } from '../errors.ts';
import { type AssumedRole, type AwsCredentials, isAccessKeyId } from './aws-credentials.ts';
import { partitionOf, partitionOfArn } from './partition.ts';

/** A fault of credentials that is visible without asking AWS. */
interface FormProblem {
  readonly code: IngressDnsErrorCode;
  readonly message: string;
  readonly hint: string;
}

export interface FormJudgement {
  readonly problem: FormProblem | undefined;
  /** The keys with the fault corrected; `undefined` when the fault has no obvious correction. */
  readonly corrected: AwsCredentials | undefined;
}

const WHITE_SPACE = /\s/;
const SECRET_LENGTH = 40;
const SECRET = /^[A-Za-z0-9/+=]+$/;
/** Prefixes of ids (IAM user guide, "Unique identifiers"): long-term and temporary keys. */
const TEMPORARY = 'ASIA';
const LONG_TERM = 'AKIA';
const NOT_KEYS: Readonly<Record<string, string>> = {
  AROA: 'a role',
  AIDA: 'a user',
  AGPA: 'a group',
  ANPA: 'a policy',
};

/** Checks the format of keys without asking AWS. Pure; no part of a secret is in the result. */
export function judgeForm(
  keys: AwsCredentials,
  context: { readonly region: string; readonly roles: readonly AssumedRole[] },
): FormJudgement {
  const corrected: AwsCredentials = {
    accessKeyId: withoutWhiteSpace(keys.accessKeyId),
    secretAccessKey: withoutWhiteSpace(keys.secretAccessKey),
    ...(keys.sessionToken === undefined ? {} : { sessionToken: withoutWhiteSpace(keys.sessionToken) }),
  };
  const isSwapped = isAccessKeyId(corrected.secretAccessKey) && corrected.accessKeyId.length >= SECRET_LENGTH;
  if (isSwapped) {
    return {
      corrected: { ...corrected, accessKeyId: corrected.secretAccessKey, secretAccessKey: corrected.accessKeyId },
      problem: {
        code: 'DNS_CREDENTIALS_SWAPPED',
        message: 'access key id and secret access key are swapped',
        hint: 'exchange the two values; the id is the one in capital letters and digits',
      },
    };
  }
  const malformed = findMalformed(corrected);
  if (malformed !== undefined) return { corrected: undefined, problem: malformed };
  const dirty = describeWhiteSpace(keys);
  if (dirty.length > 0) {
    return {
      corrected,
      problem: {
        code: 'DNS_CREDENTIALS_WHITESPACE',
        message: `white space in ${dirty.join(' and ')}`,
        hint: 'store them without it: printf %s VALUE | base64, or kubectl create secret --from-literal',
      },
    };
  }
  if (corrected.accessKeyId.startsWith(TEMPORARY) && (corrected.sessionToken ?? '') === '') {
    return {
      corrected: undefined,
      problem: {
        code: 'DNS_SESSION_TOKEN_MISSING',
        message: 'a temporary access key (ASIA…) has no session token',
        hint: 'add AWS_SESSION_TOKEN, or better use the long-term key (AKIA…) of a dedicated IAM user',
      },
    };
  }
  if (corrected.accessKeyId.startsWith(LONG_TERM) && (corrected.sessionToken ?? '') !== '') {
    return {
      corrected: { accessKeyId: corrected.accessKeyId, secretAccessKey: corrected.secretAccessKey },
      problem: {
        code: 'DNS_CREDENTIALS_MALFORMED',
        message: 'a long-term access key (AKIA…) is combined with a session token',
        hint: 'AWS_SESSION_TOKEN belongs to other keys: remove it',
      },
    };
  }
  return { corrected, problem: findForeignPartition(context) };
}

function withoutWhiteSpace(text: string): string {
  return text.replace(/\s+/g, '');
}

function findMalformed({ accessKeyId, secretAccessKey }: AwsCredentials): FormProblem | undefined {
  const problem = (message: string): FormProblem => ({
    code: 'DNS_CREDENTIALS_MALFORMED',
    message,
    hint: 'copy both values again; AWS shows a secret only when the key is created, so a lost secret needs a new key',
  });
  if (accessKeyId === '') return problem('the access key id is empty');
  if (secretAccessKey === '') return problem('the secret access key is empty');
  const other = NOT_KEYS[accessKeyId.slice(0, 4)];
  if (other !== undefined) return problem(`the access key id is the unique id of ${other}`);
  if (!isAccessKeyId(accessKeyId))
    return problem('the access key id is invalid: an id has 16 to 128 capital letters and digits');
  if (!SECRET.test(secretAccessKey))
    return problem('the secret access key has characters that are invalid in a secret');
  return undefined;
}

function describeWhiteSpace({ accessKeyId, secretAccessKey, sessionToken = '' }: AwsCredentials): readonly string[] {
  const named = {
    'the access key id': accessKeyId,
    'the secret access key': secretAccessKey,
    'the session token': sessionToken,
  };
  return Object.entries(named)
    .filter(([, value]) => WHITE_SPACE.test(value))
    .map(([name, value]) => {
      const where = value.trimEnd() !== value ? 'at the end of' : value.trimStart() !== value ? 'before' : 'inside of';
      const what = /\n/.test(value) ? 'a line break' : 'white space';
      return `${name} (${what} ${where} it)`;
    });
}

function findForeignPartition({
  region,
  roles,
}: {
  region: string;
  roles: readonly AssumedRole[];
}): FormProblem | undefined {
  const partition = partitionOf(region);
  const foreign = roles.find(({ arn }) => partitionOfArn(arn) !== partition);
  if (foreign === undefined) return undefined;
  return {
    code: 'DNS_PARTITION_WRONG',
    message: `region ${region} is in partition ${partition}, role ${foreign.arn} is not`,
    hint: 'set AWS_REGION to a region in the partition of the role',
  };
}
