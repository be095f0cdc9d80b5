import { ObjectError } from '../errors.ts';
import type * as ClientNode from './api-client.ts';

/**
 * Loads Kubernetes' client library with the first request: half a second, and a recovery through etcd never needs it. So it is an
 * optional peer dependency of this package.
 *
 * @throws ObjectError `OBJECT_CLIENT_MISSING`
 */
export async function loadClient(load = () => import('./api-client.ts')): Promise<typeof ClientNode> {
  try {
    const { HttpMethod, KubeConfig, RequestContext } = await load();
    return { HttpMethod, KubeConfig, RequestContext };
  } catch (cause) {
    if (!isNotInstalled(cause)) throw cause;
    throw new ObjectError({
      code: 'OBJECT_CLIENT_MISSING',
      message: "Kubernetes' client library is not installed",
      subject: '@kubernetes/client-node',
      hint: 'install it beside this package: npm install @kubernetes/client-node@2.0.1',
      cause,
    });
  }
}

function isNotInstalled(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
