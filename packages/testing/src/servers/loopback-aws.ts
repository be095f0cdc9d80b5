import { type LocalAws, startLocalAws as startAws } from '@kube-rescue/local-aws';
import { freePorts } from './etcd-server.ts';

/** Starts a local AWS on free ports of the loopback interface; needs `knotd`. */
export async function startLocalAws(): Promise<LocalAws> {
  const [dnsPort = 0] = await freePorts(1);
  return startAws({ dnsPort });
}
