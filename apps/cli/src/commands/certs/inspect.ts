import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderInspection } from '../../render/inspection.ts';
import type { Results } from '../../results.ts';

export default class CertsInspect extends NodeCommand {
  static override summary = 'Show the certificates at one location in full.';
  static override description =
    'Shows names, usages, key identifiers, dates, chain, and whether the private key matches. Exits 3 when a certificate is not valid now or its key does not match. Changes nothing.';
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

  protected override async answer(): Promise<Answer<Results['certs inspect']>> {
    const { flags, args } = await this.parse(CertsInspect);
    const { node, localFiles, clock, interruption } = await this.openSession(flags);
    const { target } = args;
    // An absolute path is on the node, below --root if given; a relative path is on the operator's machine.
    const isOnNode = target.startsWith('/');
    const file = { path: localFiles.path(target), reader: isOnNode ? node.host : localFiles.host };
    const { inspectCertificate } = await import('@kube-rescue/diagnosis');
    const { signal } = interruption;
    const certificates = await inspectCertificate(node, { target, file, signal });
    const now = clock.now();
    const isSound = certificates.every(
      ({ notBefore, notAfter, keyMatches }) =>
        new Date(notBefore) <= now && now <= new Date(notAfter) && keyMatches !== false,
    );
    return {
      result: { target, certificates },
      exitCode: isSound ? EXIT.done : EXIT.problems,
      text: (terminal) => renderInspection(certificates, terminal),
    };
  }
}
