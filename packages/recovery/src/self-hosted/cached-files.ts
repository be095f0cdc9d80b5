import type { CertificateEntry } from '@kube-rescue/cert-rotation';
import { type NodeDescription, NodeError } from '@kube-rescue/node';

/**
 * Makes sure that none of these certificates is a copy of a Secret in a checkpoint: written alone, the copy would differ from the
 * Secret in etcd, and the checkpointer would overwrite it with the old one as soon as the API server answers.
 *
 * @throws NodeError `LAYOUT_UNSUPPORTED` with the certificates
 */
export function assertNoCachedSecret(
  { checkpoints }: Pick<NodeDescription, 'checkpoints'>,
  certificates: readonly Pick<CertificateEntry, 'certificateLocation'>[],
): void {
  const directories = checkpoints.checkpoints.flatMap(({ objects }) => objects.map(({ directory }) => `${directory}/`));
  const cached = certificates
    .map(({ certificateLocation }) => certificateLocation.path)
    .filter((path) => directories.some((directory) => path.startsWith(directory)));
  const [first] = cached;
  if (first === undefined) return;
  throw new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `the control plane of this node keeps its certificates in Secrets, and ${cached.join(', ')} ${cached.length === 1 ? 'is a copy' : 'are copies'} on disk: written alone, it would differ from etcd and be overwritten`,
    subject: first,
    hint: 'nothing was changed; `kube-rescue recover` writes Secrets, copies and files together, with `--certs DIR` from a certificate set',
  });
}
