/** What a process has cost so far, from outside it: the same way for us, for controls and for peers. */
import fs from "node:fs";

/** Of the kernel's ticks there are a hundred a second on Linux. */
const TICK_US = 10_000;

/** µs of CPU of all threads of a process; undefined where the system does not tell. */
export function cpuOf(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may have blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
  } catch {
    return undefined;
  }
}

/** Resident bytes of a process; undefined where the system does not tell. */
export function residentOf(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}

/** What both sides of a cell have cost so far, in µs of CPU. */
export interface Cost {
  readonly server: number;
  readonly client: number;
}

/** Reads what a server and this process have cost; without a server there is 0 as its id, and no cost. */
export function costOf(server: number, client: number): Cost | undefined {
  const [theirs, own] = [server === 0 ? 0 : cpuOf(server), cpuOf(client)];
  return theirs === undefined || own === undefined ? undefined : { server: theirs, client: own };
}
