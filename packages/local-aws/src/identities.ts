import { randomBytes } from 'node:crypto';
import { AwsRefusal } from './aws-refusal.ts';
import type { WebIdentityTrust } from './web-identity.ts';
import { assertWebIdentity } from './web-identity.ts';
import { isSignedBy, parseAuthorization, type SignedRequest } from './signature-check.ts';

/** A pair of keys; temporary keys have a session token. */
export interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface KeyOptions {
  /** `service:Action`, or `*`. Default: everything. */
  readonly actions?: readonly string[];
  /** The hosted zones whose records it may list and change, by id. Default: all. */
  readonly zones?: readonly string[];
  /** Default: `ingress`. */
  readonly user?: string;
}

export interface RoleOptions extends KeyOptions {
  readonly name: string;
  readonly externalId?: string;
  /** The service account that assumes it with a token (AssumeRoleWithWebIdentity). Default: none. */
  readonly webIdentity?: WebIdentityTrust;
}

/** The identity that signed a request, and its allowed actions. */
export interface Principal {
  readonly arn: string;
  readonly actions: readonly string[];
  /** `undefined`: all. */
  readonly zones: readonly string[] | undefined;
}

interface Entry extends Principal {
  readonly key: AwsKey;
  readonly expiresAt: Date | undefined;
}

export const ACCOUNT = '123456789012';
const TOLERATED_SKEW_MS = 5 * 60_000;
const SESSION_MS = 60 * 60_000;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** The signing region of a global service. */
const GLOBAL_REGION: Readonly<Record<string, string>> = { route53: 'us-east-1' };

/** The keys and roles of one account. */
export class Identities {
  readonly #entries = new Map<string, Entry>();
  readonly #roles = new Map<string, RoleOptions>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  addKey({ actions = ['*'], zones, user = 'ingress' }: KeyOptions): AwsKey {
    return this.#add('AKIA', { arn: `arn:aws:iam::${ACCOUNT}:user/${user}`, actions, zones }, undefined);
  }

  /** @param expiresInMs negative: already expired */
  addSession({ actions = ['*'], zones, user = 'ingress' }: KeyOptions, expiresInMs = SESSION_MS): AwsKey {
    const expiresAt = new Date(this.#now().getTime() + expiresInMs);
    return this.#add('ASIA', { arn: `arn:aws:iam::${ACCOUNT}:user/${user}`, actions, zones }, expiresAt);
  }

  /** @returns its ARN */
  addRole(role: RoleOptions): string {
    const arn = `arn:aws:iam::${ACCOUNT}:role/${role.name}`;
    this.#roles.set(arn, role);
    return arn;
  }

  /** @throws AwsRefusal `AccessDenied` */
  assumeRole(
    { arn }: Principal,
    input: { readonly roleArn: string; readonly session: string; readonly externalId: string | undefined },
  ): { readonly key: AwsKey; readonly arn: string; readonly expiresAt: Date } {
    const role = this.#roles.get(input.roleArn);
    if (role === undefined || role.externalId !== input.externalId) {
      throw denied(arn, 'sts:AssumeRole', input.roleArn);
    }
    return this.#startSession(role, input.session);
  }

  /** @throws AwsRefusal `ExpiredTokenException` `InvalidIdentityToken` `AccessDenied` */
  assumeRoleWithWebIdentity(input: { readonly roleArn: string; readonly session: string; readonly token: string }): {
    readonly key: AwsKey;
    readonly arn: string;
    readonly expiresAt: Date;
  } {
    const role = this.#roles.get(input.roleArn);
    assertWebIdentity(input.token, role?.webIdentity, this.#now());
    if (role === undefined) throw new Error('a role without a name');
    return this.#startSession(role, input.session);
  }

  #startSession(role: RoleOptions, session: string): { key: AwsKey; arn: string; expiresAt: Date } {
    const expiresAt = new Date(this.#now().getTime() + SESSION_MS);
    const assumed = `arn:aws:sts::${ACCOUNT}:assumed-role/${role.name}/${session}`;
    const key = this.#add('ASIA', { arn: assumed, actions: role.actions ?? ['*'], zones: role.zones }, expiresAt);
    return { key, arn: assumed, expiresAt };
  }

  /**
   * Authenticates a request in the order of AWS: key, token, time, signature.
   * @throws AwsRefusal `MissingAuthenticationToken` `InvalidClientTokenId` `ExpiredToken` `SignatureDoesNotMatch`
   */
  authenticate(request: SignedRequest, service: string): Principal {
    const authorization = parseAuthorization(single(request.headers['authorization']));
    if (authorization === undefined) {
      throw new AwsRefusal(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token');
    }
    const entry = this.#entries.get(authorization.accessKeyId);
    if (entry === undefined || entry.key.sessionToken !== single(request.headers['x-amz-security-token'])) {
      throw new AwsRefusal(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.');
    }
    if (entry.expiresAt !== undefined && entry.expiresAt <= this.#now()) {
      throw new AwsRefusal(403, 'ExpiredToken', 'The security token included in the request is expired');
    }
    this.#assertTimely(single(request.headers['x-amz-date']) ?? '');
    const region = GLOBAL_REGION[service] ?? authorization.region;
    if (authorization.service !== service || authorization.region !== region) {
      throw mismatch(`Credential should be scoped to a valid region, not '${authorization.region}'.`);
    }
    if (!isSignedBy(entry.key.secretAccessKey, request, authorization)) {
      throw mismatch('The request signature we calculated does not match the signature you provided.');
    }
    return entry;
  }

  #add(prefix: string, principal: Principal, expiresAt: Date | undefined): AwsKey {
    const accessKeyId = prefix + [...randomBytes(16)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
    const sessionToken = expiresAt === undefined ? {} : { sessionToken: randomBytes(150).toString('base64') };
    const key: AwsKey = { accessKeyId, secretAccessKey: randomBytes(30).toString('base64'), ...sessionToken };
    this.#entries.set(accessKeyId, { ...principal, key, expiresAt });
    return key;
  }

  #assertTimely(amzDate: string): void {
    const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate) ?? [];
    const signedAt = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
    const aheadMs = signedAt - this.#now().getTime();
    if (aheadMs > TOLERATED_SKEW_MS) throw mismatch(`Signature not yet current: ${amzDate} is still later than now`);
    if (!(aheadMs >= -TOLERATED_SKEW_MS)) throw mismatch(`Signature expired: ${amzDate} is now earlier than allowed`);
  }
}

/** @throws AwsRefusal `AccessDenied` */
export function assertAllowed({ arn, actions, zones }: Principal, action: string, resource: string): void {
  const [, zone] = /:hostedzone\/(.+)$/.exec(resource) ?? [];
  const isForeign = zone !== undefined && zones?.includes(zone) === false;
  if (isForeign || (!actions.includes('*') && !actions.includes(action))) throw denied(arn, action, resource);
}

function denied(arn: string, action: string, resource: string): AwsRefusal {
  const text = `User: ${arn} is not authorized to perform: ${action} on resource: ${resource}`;
  return new AwsRefusal(403, 'AccessDenied', `${text} because no identity-based policy allows the ${action} action`);
}

function mismatch(message: string): AwsRefusal {
  return new AwsRefusal(403, 'SignatureDoesNotMatch', message);
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
