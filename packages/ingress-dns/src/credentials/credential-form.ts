import type { IngressDnsErrorCode } from '../errors.ts';
import { type AssumedRole, type AwsCredentials, isAccessKeyId } from './aws-credentials.ts';
import { partitionOf, partitionOfArn } from './partition.ts';

/** What is wrong with credentials at first sight. */
interface FormProblem {
  readonly code: IngressDnsErrorCode;
  readonly message: string;
  readonly hint: string;
}

export interface FormJudgement {
  readonly problem: FormProblem | undefined;
  /** What was probably meant; `undefined` when nobody can guess. */
  readonly meant: AwsCredentials | undefined;
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

/** Judges what can be judged without asking AWS. Pure; no part of a secret is in its answer. */
export function judgeForm(
  keys: AwsCredentials,
  context: { readonly region: string; readonly roles: readonly AssumedRole[] },
): FormJudgement {
  const meant: AwsCredentials = {
    accessKeyId: withoutWhiteSpace(keys.accessKeyId),
    secretAccessKey: withoutWhiteSpace(keys.secretAccessKey),
    ...(keys.sessionToken === undefined ? {} : { sessionToken: withoutWhiteSpace(keys.sessionToken) }),
  };
  const isSwapped = isAccessKeyId(meant.secretAccessKey) && meant.accessKeyId.length >= SECRET_LENGTH;
  if (isSwapped) {
    return {
      meant: { ...meant, accessKeyId: meant.secretAccessKey, secretAccessKey: meant.accessKeyId },
      problem: {
        code: 'DNS_CREDENTIALS_SWAPPED',
        message: 'access key id and secret access key are swapped',
        hint: 'put each in the place of the other; the id is the one in capital letters and digits',
      },
    };
  }
  const malformed = findMalformed(meant);
  if (malformed !== undefined) return { meant: undefined, problem: malformed };
  const dirty = describeWhiteSpace(keys);
  if (dirty.length > 0) {
    return {
      meant,
      problem: {
        code: 'DNS_CREDENTIALS_WHITESPACE',
        message: `white space in ${dirty.join(' and ')}`,
        hint: 'store them without it: printf %s VALUE | base64, or kubectl create secret --from-literal',
      },
    };
  }
  if (meant.accessKeyId.startsWith(TEMPORARY) && (meant.sessionToken ?? '') === '') {
    return {
      meant: undefined,
      problem: {
        code: 'DNS_SESSION_TOKEN_MISSING',
        message: 'a temporary key (ASIA…) without its session token',
        hint: 'add AWS_SESSION_TOKEN, or better use the long-term key (AKIA…) of an IAM user made for this',
      },
    };
  }
  if (meant.accessKeyId.startsWith(LONG_TERM) && (meant.sessionToken ?? '') !== '') {
    return {
      meant: { accessKeyId: meant.accessKeyId, secretAccessKey: meant.secretAccessKey },
      problem: {
        code: 'DNS_CREDENTIALS_MALFORMED',
        message: 'a long-term key (AKIA…) together with the token of a session',
        hint: 'remove AWS_SESSION_TOKEN, which was left over from other keys',
      },
    };
  }
  return { meant, problem: findForeignPartition(context) };
}

function withoutWhiteSpace(text: string): string {
  return text.replace(/\s+/g, '');
}

function findMalformed({ accessKeyId, secretAccessKey }: AwsCredentials): FormProblem | undefined {
  const problem = (message: string): FormProblem => ({
    code: 'DNS_CREDENTIALS_MALFORMED',
    message,
    hint: 'copy both again from where the key was made; a secret cannot be looked up later, only replaced',
  });
  if (accessKeyId === '') return problem('the access key id is empty');
  if (secretAccessKey === '') return problem('the secret access key is empty');
  const other = NOT_KEYS[accessKeyId.slice(0, 4)];
  if (other !== undefined) return problem(`the access key id is the unique id of ${other}`);
  if (!isAccessKeyId(accessKeyId))
    return problem('the access key id is none: it consists of capital letters and digits');
  if (!SECRET.test(secretAccessKey)) return problem('the secret access key has characters that no secret has');
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
    message: `region ${region} is in partition ${partition}, the role ${foreign.arn} is not`,
    hint: 'set AWS_REGION to a region of the partition that the role is in',
  };
}
