import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderInspection } from '../../render/inspection.ts';

export default class CertsInspect extends NodeCommand {
  static override summary = 'Spell out the certificates at one place.';
  static override description =
    'Names, usages, key identifiers, dates, chain, and whether the key beside it is its own. Exits 3 when one has expired or has another key. Changes nothing.';
  static override examples = [
    '<%= config.bin %> certs inspect etcd/server',
    '<%= config.bin %> certs inspect /etc/kubernetes/admin.conf',
    '<%= config.bin %> certs inspect 127.0.0.1:6443 --json',
  ];
  static override args = {
    target: Args.string({
      description: 'an id of certs check (apiserver, ca/etcd), a file (PEM, DER, kubeconfig), or HOST:PORT',
      required: true,
    }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsInspect);
    const { node, localFiles, clock, interruption } = await this.openSession(flags);
    const { target } = args;
    // An absolute path is the node's own, below --root where that is given; another is the caller's.
    const isOnNode = target.startsWith('/');
    const file = { path: localFiles.path(target), reader: isOnNode ? node.host : localFiles.host };
    const { inspectCertificate } = await import('@kube-rescue/diagnosis');
    const { signal } = interruption;
    const certificates = await inspectCertificate(node, { target, file, signal });
    const now = clock.now().toISOString();
    const isSound = certificates.every(
      ({ notBefore, notAfter, keyMatches }) => notBefore <= now && now <= notAfter && keyMatches !== false,
    );
    return {
      result: { target, certificates },
      exitCode: isSound ? EXIT.done : EXIT.problems,
      text: (terminal) => renderInspection(certificates, terminal),
    };
  }
}
