import { HostError, type HostPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';

/**
 * Reads a file that must exist.
 *
 * @throws HostError `HOST_NOT_FOUND`
 */
export async function readNodeText(path: HostPath, { host }: Pick<LabDeps, 'host'>): Promise<string> {
  const data = await host.readFile(path);
  if (data !== undefined) return Buffer.from(data).toString('utf8');
  throw new HostError({ code: 'HOST_NOT_FOUND', message: 'a file that the lab needs does not exist', subject: path });
}
