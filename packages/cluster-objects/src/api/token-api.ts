import { fieldsAt, textAt } from '../objects/object-fields.ts';
import { ANSWER_BOUNDS } from './answer-bounds.ts';
import type { ApiServerAccess } from './api-server-access.ts';
import { notAnApiServer } from './api-failure.ts';
import type { ApiServerOptions } from './api-object-store.ts';
import { ApiRequests } from './api-requests.ts';
import { collectionPath } from '../objects/object-path.ts';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';

/** The tokens of service accounts at an API server: issued and reviewed by it, stored nowhere. */
export interface TokenApi {
  /**
   * Requests a token for a service account (TokenRequest). No object is made.
   *
   * @param serviceAccount exists in the cluster
   * @returns a secret, valid for ten minutes, for the audiences of the API server
   * @throws ObjectError as a write of an object
   */
  issue(serviceAccount: { readonly namespace: string; readonly name: string }, signal?: AbortSignal): Promise<string>;
  /**
   * Whether the API server accepts a token as one of its own audiences (TokenReview). The request carries the administrator's
   * credentials, and the token in its body.
   *
   * @throws ObjectError as a write of an object
   */
  isAccepted(token: string, signal?: AbortSignal): Promise<boolean>;
  /** Closes its connections. */
  close(): Promise<void>;
}

/** The shortest lifetime that the API server grants (`pkg/apis/authentication/validation/validation.go` MinTokenAgeSec). */
const LIFETIME_S = 600;
const TIMEOUT_MS = 15_000;
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';

/** Connects with the first request. */
export function connectTokenApi(
  access: ApiServerAccess,
  options: Pick<ApiServerOptions, 'timeoutMs' | 'dial'> = {},
): TokenApi {
  const requests = new ApiRequests(access, options.timeoutMs ?? TIMEOUT_MS, ANSWER_BOUNDS.bodyBytes, options.dial);
  const post = (path: string, subject: string, body: object, signal?: AbortSignal): Promise<unknown> =>
    requests.send({ method: 'POST', path, subject, body, writes: true, signal });
  return {
    issue: async ({ namespace, name }, signal) => {
      const accounts = collectionPath(RESOURCE_KINDS.ServiceAccount, namespace);
      const subject = `token of ServiceAccount ${namespace}/${name}`;
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: LIFETIME_S },
      };
      const answer = await post(`${accounts}/${encodeURIComponent(name)}/token`, subject, body, signal);
      const token = textAt(fieldsAt(answer, 'status'), 'token');
      if (token === undefined) throw notAnApiServer('no token', subject);
      return token;
    },
    isAccepted: async (token, signal) => {
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
      const answer = await post(REVIEWS, 'TokenReview', body, signal);
      return fieldsAt(answer, 'status')['authenticated'] === true;
    },
    close: () => requests.close(),
  };
}
