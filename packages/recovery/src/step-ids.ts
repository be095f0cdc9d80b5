// The steps that other steps and the command line wait for, by name.

/** The API server answers, stays and serves its new certificate. */
export const API_STABLE = 'control-plane/api-stable';

/** kubeadm: the control plane runs on its new files. */
export const RESTART = 'control-plane/restart';
/** kubeadm: every service account is handed the cluster CA. */
export const CA_PUBLISHED = 'node/ca-published';

/** Self-hosted, in the order of the playbook. */
export const ETCD_STEP = 'etcd/certificates';
export const PARENTS = 'checkpoint/parents';
export const SECRETS = 'objects/secrets';
export const CONTENTS = 'checkpoint/contents';
export const NETWORK = 'network/bootstrap';
