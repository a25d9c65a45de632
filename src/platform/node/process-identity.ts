import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessIdentity } from '../platform.js';

/** The identity of this process, by which other processes of the machine recognise it. */
export function identifySelf(): ProcessIdentity {
  return {
    host: hostname(),
    bootId: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '',
    pidNamespace: attempt(() => readlinkSync('/proc/self/ns/pid')) ?? '',
    pid: process.pid,
    startTime: readStartTime(process.pid) ?? '',
  };
}

/** See `PlatformFiles.isAlive`. */
export function isAlive(pid: number, startTime: string): boolean | undefined {
  if (!processExists(pid)) return false;
  const actual = readStartTime(pid);
  // Without start times, a reused process id looks like the process that had it before.
  if (startTime === '' || actual === undefined) return undefined;
  return actual === startTime;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Linux: clock ticks from boot to the start of the process, field 22 of `/proc/<pid>/stat`. A zombie has ended. */
function readStartTime(pid: number): string | undefined {
  return attempt(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, and may itself contain blanks and parentheses.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? 'ended' : fields[18];
  });
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
