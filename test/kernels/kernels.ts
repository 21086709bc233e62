import { type Machine, machines } from './machines.ts';

/** A kernel that the tests boot, and what it does for an init. docs/kernels.md shows the same to readers. */
export interface Kernel {
  readonly version: string;
  readonly machine: Machine;
  /** The Debian release whose cloud kernel it is. */
  readonly release: string;
  /** Who reaps orphans while the workload runs. */
  readonly reaper: 'init' | 'kernel';
  /** What PIDFD_GET_INFO tells of a child that has been reaped: how it ended, or an error. */
  readonly reapedStatus: 'told' | 'EINVAL' | 'ENOTTY';
  /** How a signal reaches the workload's group: PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9), or the group's number. */
  readonly groupSignals: 'by pidfd' | 'by number';
}

export const kernels = {
  '5.10': {
    version: '5.10',
    machine: machines.x64,
    release: 'bullseye',
    reaper: 'init',
    reapedStatus: 'ENOTTY',
    groupSignals: 'by number',
  },
  '6.1': {
    version: '6.1',
    machine: machines.x64,
    release: 'bookworm',
    reaper: 'init',
    reapedStatus: 'ENOTTY',
    groupSignals: 'by number',
  },
  '6.12': {
    version: '6.12',
    machine: machines.x64,
    release: 'trixie',
    reaper: 'init',
    reapedStatus: 'EINVAL',
    groupSignals: 'by pidfd',
  },
  '7.2': {
    version: '7.2',
    machine: machines.x64,
    release: 'forky',
    reaper: 'kernel',
    reapedStatus: 'told',
    groupSignals: 'by pidfd',
  },
  '6.1 on arm64': {
    version: '6.1',
    machine: machines.arm64,
    release: 'bookworm',
    reaper: 'init',
    reapedStatus: 'ENOTTY',
    groupSignals: 'by number',
  },
  '7.2 on arm64': {
    version: '7.2',
    machine: machines.arm64,
    release: 'forky',
    reaper: 'kernel',
    reapedStatus: 'told',
    groupSignals: 'by pidfd',
  },
} as const satisfies Record<string, Kernel>;
