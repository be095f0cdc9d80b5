import { HostError, type HostPath } from '@kube-rescue/host';
import type { LabDeps } from './deps.ts';

/**
 * The text of a file that must be there.
 *
 * @throws HostError `HOST_NOT_FOUND`
 */
export async function readNodeText(path: HostPath, { host }: Pick<LabDeps, 'host'>): Promise<string> {
  const data = await host.readFile(path);
  if (data !== undefined) return Buffer.from(data).toString('utf8');
  throw new HostError({ code: 'HOST_NOT_FOUND', message: 'the lab expects a file here', subject: path });
}
