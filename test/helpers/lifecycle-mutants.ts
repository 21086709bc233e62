import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import type { Lifecycle } from './lifecycle-world.ts';

/** One wrong edit of src/lifecycle. */
export interface Mutant {
  /** What is wrong with it, as a user would say. */
  readonly name: string;
  /** The text that is replaced, which occurs once. Any run of white space matches any other. */
  readonly from: string;
  readonly to: string;
}

const room = resolve(import.meta.dirname, '../../src/lifecycle');
const entry = resolve(room, 'lifecycle.ts');
const files = readdirSync(room).map((name) => resolve(room, name));

/** The edited source, compiled. @throws Error if the text to replace is not there, or more than once */
export async function loadMutant({ name, from, to }: Mutant): Promise<Lifecycle> {
  let places = 0;
  const edited = new Map<string, string>();
  for (const file of files) {
    const parts = readFileSync(file, 'utf8').split(asPattern(from));
    places += parts.length - 1;
    edited.set(file, parts.join(to));
  }
  if (places !== 1) throw new Error(`the mutant "${name}" fits ${places} places, not one`);
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    plugins: [
      {
        name: 'mutant',
        setup({ onLoad }) {
          onLoad({ filter: /\/src\/lifecycle\// }, ({ path }) => ({
            contents: edited.get(path) as string,
            loader: 'ts',
          }));
        },
      },
    ],
  });
  const text = (outputFiles[0] as { text: string }).text;
  return import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`);
}

/** How lines are broken does not matter. */
function asPattern(text: string): RegExp {
  const words = text.trim().split(/\s+/);
  return new RegExp(words.map((word) => word.replace(/[^\w\s]/g, '\\$&')).join('\\s+'));
}

/** Each breaks a promise. */
export const mutants: readonly Mutant[] = [
  // --- What counts as a stop
  {
    name: 'a stop of a running workload is not recorded',
    from: 'return stopWorkload(policy, stopped, sending);',
    to: 'return stopWorkload(policy, state, sending);',
  },
  {
    name: 'a stop between two runs is ignored',
    from: "case 'backoff': return toExit(stopped.status);",
    to: "case 'backoff': return next(state);",
  },
  {
    name: 'a signal that the workload ignores from its start is a stop',
    from: ' && !ignored.includes(sent)',
    to: '',
  },
  {
    name: 'SIGHUP is a stop signal',
    from: 'isStopSignal(sent) &&',
    to: '(isStopSignal(sent) || sent === 1) &&',
  },
  {
    name: 'what counts is the signal before rewriting',
    from: 'if (isStop(policy, sent)) {',
    to: 'if (isStop(policy, signal)) {',
  },
  {
    name: 'the terminal goes away, and the workload starts again',
    from: "how.kind === 'killed' && how.signal === SIGHUP ? SIGHUP : undefined",
    to: 'undefined',
  },
  {
    name: 'a Ctrl-C that the workload handles does not end the restarts',
    from: 'state.stoppedBy ?? hungUpBy ?? interruptedBy;',
    to: "state.stoppedBy ?? hungUpBy ?? (how.kind === 'killed' ? interruptedBy : undefined);",
  },
  {
    name: 'any signal to the workload’s group ends the restarts',
    from: 'if (!terminalStopSignals.includes(signal)) return next(state);',
    to: '',
  },
  {
    name: 'an exception does not count as a stop',
    from: 'const run = asStopped(state);',
    to: 'const run = state;',
  },

  // --- Forwarding
  {
    name: 'the first of two stop signals is lost',
    from: 'chain(beginStop(policy, state, state.stopping), (now) => forward(policy, now, sending))',
    to: 'beginStop(policy, state, sending)',
  },
  {
    name: 'nothing is delayed',
    from: 'if (stopDelayMs === 0) return beginStop',
    to: 'if (true) return beginStop',
  },
  {
    name: 'a signal to a draining tree reaches the group alone',
    from: "return scope === 'tree' || state.awaits === 'descendants' ? 'tree' : 'group';",
    to: 'return scope;',
  },

  // --- Timers
  {
    name: 'a timer is not cleared',
    from: "if (old !== undefined) changes.push({ kind: 'clear-timer', timer: old.timer });",
    to: '',
  },
  {
    name: 'survivors wait for the timer of the workload',
    from: ' && isSameWait(before, after.state)',
    to: '',
  },
  {
    name: 'each stop signal starts the timeout anew',
    from: "case 'forwarded': case 'killing': return forward(policy, state, sending);",
    to: "case 'forwarded': case 'killing': return beginStop(policy, state, sending);",
  },
  {
    name: 'a timer counts what has passed again',
    from: '{ timer: last, ms: endMs - waitedMs }',
    to: '{ timer: last, ms: endMs }',
  },
  {
    name: 'the grace time never ends, for a slow look at survivors',
    from: "return next({ ...state, waitedMs }, toExplain({ kind: 'slow-survivors', waitedMs }));",
    to: "return next(state, toExplain({ kind: 'slow-survivors', waitedMs }));",
  },
  {
    name: 'the grace time is that of the stop timeout',
    from: "waitingTimer(slowMs, state.waitedMs, 'grace', options.graceMs)",
    to: "waitingTimer(slowMs, state.waitedMs, 'grace', options.stopTimeoutMs ?? options.graceMs)",
  },

  // --- What is stopping
  {
    name: 'init does not look who gets the stop signal',
    from: "[{ kind: 'note-recipients', signal: sending.sent, scope, when: 'before' }]",
    to: '[]',
  },
  {
    name: 'init does not look who gets a Ctrl-C',
    from: 'return next({ ...state, interruptedBy: signal }, noteInterruption(signal, true));',
    to: 'return next({ ...state, interruptedBy: signal });',
  },
  {
    name: 'init does not look who got the Ctrl-C that the workload has ended by',
    from: "...(isNews ? [noteInterruption(interruptedBy, how.kind === 'killed')] : []),",
    to: '',
  },
  {
    name: 'what is stopping is asked again',
    from: 'if (!isAny) {',
    to: 'if (true) {',
  },
  {
    name: 'the others are never asked',
    from: 'if (!isAny) {',
    to: 'if (false) {',
  },
  {
    name: 'what is stopping begins with a new --stop-timeout',
    from: "if (stopping.kind === 'forwarded') return stopping;",
    to: "if (stopping.kind === 'forwarded') return { ...stopping, waitedMs: 0 };",
  },
  {
    name: 'when one of them has ended, init does not look for others',
    from: "return next(state, { kind: 'find-stopping' });",
    to: "return next(state, ...(state.awaits === 'unknown' ? [{ kind: 'find-stopping' } as const] : []));",
  },
  {
    name: "a second stop signal between the end of the workload and that look is nobody's",
    from: 'late.length === 0 ? asked : chain(asked, (now) => killNow(policy, now))',
    to: 'asked',
  },
  {
    name: 'the same signal reaches none of those who are stopping',
    from: 'late.reduce((step, sending) => chain(step, (now) => forward(policy, now, sending)), found)',
    to: 'found',
  },
  {
    name: 'the status of the workload is that of the signal, where the workload ended well',
    from: "awaits === 'descendants' && status === 0",
    to: 'status === 0',
  },
  {
    name: 'a dialect waits for what is stopping',
    from: "options.survivors !== 'end' || stopping.kind === 'killing'",
    to: "stopping.kind === 'killing'",
  },

  {
    name: 'as PID 1 init waits for ever for what SIGKILL does not end',
    from: "if (stopping.kind === 'killing' && isPid1) return { timer: 'kill', ms: KILL_MS };",
    to: '',
  },

  // --- Survivors
  {
    name: 'one round of SIGKILL has to do',
    from: "if (state.survivors === 'killing') return killAgain(policy, state);",
    to: "if (state.survivors === 'killing') return next(state);",
  },
  {
    name: 'while the workload runs, one round of SIGKILL has to do',
    from: 'if (isKilling(state)) return next(state, toKill);',
    to: '',
  },
  {
    name: 'after the stop timeout survivors get the grace time',
    from: 'isKilling(before) ? preceded(effects, killSurvivors(policy, state)) : next(state, ...effects)',
    to: 'next(state, ...effects)',
  },
  {
    name: 'a second stop signal does not hurry the end',
    from: 'isSecond ? killNow(policy, stopped) : endTree(policy, stopped)',
    to: 'endTree(policy, stopped)',
  },
  {
    name: 'survivors are killed without being asked',
    from: "return next({ ...state, survivors: 'asked' }, toExplain({ kind: 'asking' }), ask);",
    to: "return next({ ...state, survivors: 'asked' }, toExplain({ kind: 'asking' }));",
  },
  {
    name: 'a restart as PID 1 takes processes that entered from outside',
    from: 'return backoffMs(policy, state) === undefined;',
    to: 'return true;',
  },
  {
    name: 'as PID 1 the last ending spares what entered from outside',
    from: 'if (!policy.isPid1) return false;',
    to: 'return false;',
  },
  {
    name: '--until all waits for descendants even after a stop',
    from: "policy.options.until === 'all' && stoppedBy === undefined",
    to: "policy.options.until === 'all'",
  },
  {
    name: 'descendants that init cannot reach are waited for',
    from: "if (state.kind !== 'terminating' && state.kind !== 'draining') {",
    to: "if (state.kind !== 'terminating') {",
  },

  // --- Restarts
  {
    name: 'a stopped workload starts again',
    from: "restart.kind === 'no' || run.stoppedBy !== undefined",
    to: "restart.kind === 'no'",
  },
  {
    name: 'the workload starts again though a survivor cannot be ended',
    from: 'endRun(policy, run, false)',
    to: 'endRun(policy, run)',
  },
  {
    name: 'the kernel discards the status of the next run',
    from: "{ kind: 'discard-statuses', discard: false },",
    to: '',
  },
  { name: 'one restart too many', from: 'run.restarts >= restart.limit', to: 'run.restarts > restart.limit' },
  {
    name: 'a success starts no new row of failures',
    from: 'restarts: runMs >= GOOD_RUN_MS ? 0 : restarts',
    to: 'restarts',
  },
  {
    name: 'the wait between runs grows without end',
    from: 'Math.min(FIRST_BACKOFF_MS * 2 ** run.restarts, LONGEST_BACKOFF_MS)',
    to: 'FIRST_BACKOFF_MS * 2 ** run.restarts',
  },
  { name: 'nothing starts the next run', from: "{ kind: 'start' },", to: '' },

  // --- The exit
  {
    name: 'the exit status is not remapped',
    from: 'return hasFailed ? status : remapped(policy, status);',
    to: 'return status;',
  },
  {
    name: 'a tree that a signal ended counts as a success',
    from: 'isStoppedLate ? 128 + stoppedBy : status',
    to: 'status',
  },
  {
    name: 'init’s own failure has the status of the workload',
    from: '({ ...run, status: FAILED, hasFailed: true })',
    to: '({ ...run, hasFailed: true })',
  },
  {
    name: 'a second exception ends nothing',
    from: "const isSecond = state.kind === 'terminating' && state.hasFailed;",
    to: 'const isSecond = false;',
  },
  {
    name: 'init ends at once, and leaves the workload behind',
    from: "policy.isPid1 ? [] : [{ kind: 'kill-at-once' }]",
    to: '[]',
  },
  {
    name: 'an effect follows the exit',
    from: "return next({ kind: 'exiting', status }, exiting, { kind: 'exit', status });",
    to: "return next({ kind: 'exiting', status }, { kind: 'exit', status }, exiting);",
  },
  {
    name: 'the exit is carried out twice',
    from: "return next({ kind: 'exiting', status }, exiting, { kind: 'exit', status });",
    to: "return next({ kind: 'exiting', status }, { kind: 'exit', status }, { kind: 'exit', status });",
  },
  {
    name: '--pause has no end',
    from: 'return terminate(policy, stopped, endOf(stopped, 0));',
    to: 'return next(stopped);',
  },

  // --- The terminal
  {
    name: 'PID 1 stops itself at a Ctrl-Z',
    from: "if (isPid1) return asksForTerminal ? next(state) : next(state, { kind: 'continue-workload' });",
    to: '',
  },
  {
    name: 'init stops itself, and keeps the terminal from the shell',
    from: "{ kind: 'take-terminal' }, { kind: 'suspend' }",
    to: "{ kind: 'suspend' }",
  },
  {
    name: 'a report loses statuses before the end',
    from: 'return keepsStatuses ? [] : [discardStatuses];',
    to: 'return [discardStatuses];',
  },
  {
    name: 'the workload starts again after the end of its owner',
    from: 'return next(stopped);',
    to: 'return next(state);',
  },
  {
    name: 'the end of the owner waits for --stop-timeout',
    from: 'if (isKilling(state)) return next(state);',
    to: "if ('stopping' in state && state.stopping.kind !== 'no') return next(state);",
  },
  {
    name: 'the status of a workload that ends with its owner is lost',
    from: 'awaitsStatus(state) ? [takeBack] : discardUnlessKept(policy)',
    to: 'state.hasFailed ? [takeBack] : discardUnlessKept(policy)',
  },
  {
    name: 'init ends with 143, and the workload has ended with another status',
    from: 'const status = state.hasFailed ? state.status : exitStatus(event.how);',
    to: 'const status = state.status;',
  },
  {
    name: 'a workload that SIGKILL ends has the status of SIGTERM',
    from: 'const status = awaitsStatus(state) ? 128 + SIGKILL : state.status;',
    to: 'const status = state.status;',
  },
  {
    name: 'the end of standard input asks at once',
    from: "return next({ ...asStopped(state), stopping: { kind: 'input-ended' } });",
    to: 'return endTree(policy, state);',
  },
  {
    name: 'a stop signal makes init wait for ever for a workload whose input has ended',
    from: 'if (policy.options.stopTimeoutMs === undefined) return forwardFirst(policy, state, sending);',
    to: '',
  },
  {
    name: 'a request to kill leaves the grace time',
    from: 'return chain(endTree(policy, state), (now) => killNow(policy, now));',
    to: 'return endTree(policy, state);',
  },
];
