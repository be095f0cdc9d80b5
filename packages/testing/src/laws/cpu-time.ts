/**
 * Measures the processor time of this process, all its threads included: other programs on the machine do not count.
 *
 * @returns the milliseconds since the call
 */
export function startCpuTime(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
}
