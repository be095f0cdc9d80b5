import { HostError } from './errors.ts';

/**
 * A refusal: the addresses and services that a copy of a node's files names are those of the real machines.
 * @param wanted what was asked for and is refused, such as `SSH to node02`
 * @param copy the directory with the copy
 */
export function copyOnly(wanted: string, copy: string): HostError {
  return new HostError({
    code: 'HOST_COPY',
    message: `--root works on a copy of files only; refused: ${wanted}; nothing was changed`,
    subject: copy,
    hint: 'run it on the node itself, without --root',
  });
}
