import { randomInt } from 'node:crypto';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { ThrowawayError } from '../errors.ts';

/** Below the ports of outgoing connections (Linux, `ip_local_port_range`: from 32768), and below those of Services (30000). */
const FIRST = 20_000;
const LAST = 29_999;
const ATTEMPTS = 50;
const TIMEOUT_MS = 1_000;

/**
 * A port of 127.0.0.1 where nothing listens. Another process may take it before its server starts: then that server ends.
 * @param given the only port that is tried. Default: some from 20000 to 29999
 * @throws ThrowawayError `THROWAWAY_PORT_TAKEN`
 */
export async function freePort({ host }: { readonly host: Pick<Host, 'connect'> }, given?: number): Promise<number> {
  for (let attempt = 0; attempt < (given === undefined ? ATTEMPTS : 1); attempt += 1) {
    const port = given ?? randomInt(FIRST, LAST + 1);
    if (!(await isTaken(port, host))) return port;
  }
  throw new ThrowawayError({
    code: 'THROWAWAY_PORT_TAKEN',
    message: given === undefined ? 'found no free port on 127.0.0.1' : 'another process listens on this port',
    subject: `127.0.0.1:${given ?? `${FIRST}-${LAST}`}`,
    hint: 'nothing was started; choose another port with --port, or leave it to kube-rescue',
  });
}

async function isTaken(port: number, host: Pick<Host, 'connect'>): Promise<boolean> {
  try {
    (await host.connect({ host: '127.0.0.1', port, timeoutMs: TIMEOUT_MS })).destroy();
    return true;
  } catch (error) {
    if (isRecoveryError(error, 'HOST_CONNECTION_FAILED')) return false;
    throw error;
  }
}
