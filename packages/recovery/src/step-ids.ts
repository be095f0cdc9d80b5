// Ids of steps that other steps and the command line require.

/** The API server is stable and serves its new certificate. */
export const API_STABLE = 'control-plane/api-stable';

/** kubeadm: the control plane runs on its new files. */
export const RESTART = 'control-plane/restart';
/** No lock waits for a leader that has ended. */
export const LOCKS = 'control-plane/leader-locks';
/** kubeadm: every service account holds the cluster CA. */
export const CA_PUBLISHED = 'node/ca-published';

/** Self-hosted, in the order of the playbook. */
export const ETCD_STEP = 'etcd/certificates';
export const PARENTS = 'checkpoint/parents';
export const SECRETS = 'objects/secrets';
export const CONTENTS = 'checkpoint/contents';
export const NETWORK = 'network/bootstrap';
