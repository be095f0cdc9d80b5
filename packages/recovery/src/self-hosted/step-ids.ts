/** Steps that others wait for. */
export const PARENTS = 'checkpoint/parents';
export const SECRETS = 'objects/secrets';
export const CONTENTS = 'checkpoint/contents';
export const API_STABLE = 'control-plane/api-stable';
export const NETWORK = 'network/bootstrap';
