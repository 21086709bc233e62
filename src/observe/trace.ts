import type { Effect, Event } from '../lifecycle/model.ts';
import { attempt } from '../native/attempt.ts';
import { sinceBootMs } from '../native/clock.ts';
import { now } from '../native/timers.ts';
import type { Pid } from '../native/types.ts';
import {
  isProcUsable,
  msPerTick,
  ownChildren,
  type ProcessInfo,
  readProcess,
  walkInSteps,
} from '../process-tree/process-table.ts';
import { runInSlices } from '../process-tree/slices.ts';
import { signalName } from '../signals/signal-names.ts';
import { createHistory } from './history.ts';
import type { Observer, PhaseTime } from './observer.ts';
import { traceText } from './trace-events.ts';

/** How often init takes a snapshot of the tree. Between two of them a process may come and go unseen. */
const SNAPSHOT_EVERY_MS = 50;
/** Snapshots take at most one part of so many of init's time. */
const SHARE = 10;
/** How many ended children it reads from /proc in that time. In a storm of orphans it leaves out the rest, and reaps. */
const MOST_ENDED = 250;
/** With more children than that, init has a storm of orphans to reap, and no time for snapshots. */
const STORM = 1000;
/** At the end it reads so many processes once more. The others may have ended, and count as unfinished. */
const LAST_READS = 1000;

/**
 * Collects what init and the processes below it do, for trace events at the end.
 * @param write writes the trace whole or not at all
 */
export function createTrace(write: (text: () => string) => void): Observer {
  const isUsable = isProcUsable();
  const self = withoutProc(process.pid as Pid, process.uptime());
  // Without a descriptor to spare, the workload starts all the same.
  if (isUsable) attempt(() => Object.assign(self, readProcess(process.pid)));
  const history = createHistory({ ...self, name: 'subreaper' });
  const timer = setInterval(takeSnapshot, SNAPSHOT_EVERY_MS).unref();
  let workload: Pid | undefined;
  let phaseEndUs = 0;
  let restUntilMs = 0;
  let unseen = 0;
  let ended = 0;
  let endedUntilMs = 0;

  function stop(): void {
    clearInterval(timer);
  }

  function takeSnapshot(): void {
    if (!isUsable || now() < restUntilMs) return;
    const beganMs = now();
    restUntilMs = Number.POSITIVE_INFINITY;
    runInSlices(readTree(), () => {
      // After an error (no descriptor is left) the next one may succeed.
      restUntilMs = now() + (now() - beganMs) * SHARE;
    });
  }

  /** Takes note of what is there now, and of those that have gone. */
  function* readTree(): Generator<void, void> {
    if (ownChildren().length > STORM) return;
    const met = new Set<Pid>();
    for (const some of walkInSteps([self])) {
      for (const info of some) {
        met.add(info.pid);
        if (info.pid !== self.pid) history.seen(info, nowUs());
      }
      yield;
    }
    // A walk may miss a process that gets another parent meanwhile.
    for (const pid of history.alive()) {
      if (met.has(pid) || pid === self.pid) continue;
      const info = readProcess(pid);
      if (info === undefined) history.gone(pid, nowUs());
      else history.seen(info, nowUs());
      yield;
    }
  }

  function noteChild(pid: Pid, isOwn: boolean): void {
    const info = isUsable ? readProcess(pid) : undefined;
    if (info !== undefined) history.seen(info, nowUs(), isOwn);
  }

  function followEvent(event: Event): void {
    if (event.kind === 'signal') history.instant(`${signalName(event.signal)} received`, nowUs());
    if (event.kind === 'workload-started') {
      workload = event.workload;
      const { workload: pid, program: name } = event;
      if (attempt(() => noteChild(pid, true)) !== undefined || !isUsable)
        history.seen({ ...withoutProc(pid, 0), parent: self.pid, name }, nowUs(), true);
    }
    if (event.kind === 'workload-ended') {
      workload = undefined;
      history.gone(event.workload, nowUs(), event.how);
    }
  }

  function followEffect(effect: Effect): void {
    if (effect.kind === 'forward')
      history.instant(`${signalName(effect.sent)} to the workload`, nowUs(), workload);
    if (effect.kind === 'ask') history.instant('SIGTERM to survivors', nowUs());
    if (effect.kind === 'kill') history.instant('SIGKILL to the remaining processes', nowUs());
  }

  function phaseEnded({ phase, tookMs }: PhaseTime): void {
    const endUs = nowUs();
    // Its time is rounded.
    history.phase(phase, Math.max(endUs - Math.round(tookMs * 1000), phaseEndUs), endUs);
    phaseEndUs = endUs;
  }

  function zombieSeen(pid: Pid): void {
    if (ended >= MOST_ENDED && now() < endedUntilMs) return;
    if (now() >= endedUntilMs) {
      endedUntilMs = now() + SNAPSHOT_EVERY_MS;
      ended = 0;
    }
    ended++;
    // No descriptor is left: it ends unseen.
    attempt(() => noteChild(pid, false));
  }

  function writeEnd(status: number): void {
    stop();
    for (const pid of isUsable ? history.alive().slice(0, LAST_READS) : []) {
      // Without a descriptor to look it counts as unfinished.
      attempt(() => {
        if (readProcess(pid) === undefined) history.gone(pid, nowUs());
      });
    }
    const endUs = nowUs();
    if (unseen > 0) history.instant(`${unseen} orphans ended unseen`, endUs);
    history.gone(self.pid, endUs, { kind: 'exited', code: status });
    write(() => traceText(history, endUs));
  }

  return {
    name: 'the trace',
    needsStatuses: 'the trace shows each orphan',
    seesZombies: true,
    stop,
    observe(observation) {
      switch (observation.kind) {
        case 'step':
          followEvent(observation.event);
          observation.effects.forEach(followEffect);
          // After the effects: the tree may be large, and a signal must not wait.
          setImmediate(takeSnapshot);
          return;
        case 'zombie':
          zombieSeen(observation.pid);
          return;
        case 'reaped':
          if (!observation.isWorkload && !history.gone(observation.pid, nowUs(), observation.how)) unseen++;
          return;
        case 'phase':
          phaseEnded(observation.phase);
          return;
        case 'exit':
          writeEnd(observation.status);
      }
    },
  };
}

/** What is known of a process without /proc. @param age in seconds */
function withoutProc(pid: Pid, age: number): ProcessInfo {
  const startTime = Math.floor((sinceBootMs() - age * 1000) / msPerTick);
  return { pid, parent: 0 as Pid, name: '', state: 'R', startTime, threads: 1 };
}

function nowUs(): number {
  return Math.round(sinceBootMs() * 1000);
}
