/** The one user whom the authorizer allows everything. */
export const GUEST = 'guest';

interface Review {
  readonly spec?: { readonly user?: string };
}

/** Answers a SubjectAccessReview: {@link GUEST} may do everything, of others it has no opinion. */
export function answerReview(review: object): object {
  const { spec } = review as Review;
  return { ...review, status: { allowed: spec?.user === GUEST } };
}

interface EventList {
  readonly items?: readonly { readonly objectRef?: { readonly name?: string } }[];
}

/** The names of the objects in a list of audit events. */
export function auditedNames(events: object): readonly string[] {
  return ((events as EventList).items ?? []).flatMap(({ objectRef }) => objectRef?.name ?? []);
}

/** The discovery document of an issuer (OpenID Connect Discovery 1.0, section 3). */
export function discovery(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}
