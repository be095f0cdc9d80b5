import { type Clock, createLocalHost, type Host, type HostPath, hostPath, systemClock } from '@kube-rescue/host';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { type Interruption, listenForInterruption, type Streams } from 'kube-rescue/command-line';

/** The dependencies of a drill: this machine, and the directories of Kubernetes binaries. */
export interface DrillSession extends Streams {
  readonly host: Host;
  readonly clock: Clock;
  readonly interruption: Interruption;
  readonly assetsDirectory: HostPath | undefined;
  readonly cacheDirectory: HostPath;
}

/** @param interrupted message of an interruption: the state of the lab after it */
export function openDrillSession(streams: Streams, interrupted: string): DrillSession {
  return {
    ...streams,
    ...locateBinaries(process.env),
    host: createLocalHost(),
    clock: systemClock,
    interruption: listenForInterruption(streams.reporter, interrupted),
  };
}

/** The directories of Kubernetes binaries: `KUBEBUILDER_ASSETS`, and the cache below `XDG_CACHE_HOME`. */
export function locateBinaries(env: NodeJS.ProcessEnv): Pick<DrillSession, 'assetsDirectory' | 'cacheDirectory'> {
  const given = (directory: string | undefined): string | undefined => (directory === '' ? undefined : directory);
  const assetsDirectory = given(env.KUBEBUILDER_ASSETS);
  return {
    assetsDirectory: assetsDirectory === undefined ? undefined : hostPath(resolve(assetsDirectory)),
    cacheDirectory: hostPath(given(env.XDG_CACHE_HOME) ?? resolve(homedir(), '.cache')),
  };
}
