import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import type { Lifecycle } from './lifecycle-world.ts';

/** One wrong edit of the lifecycle: src/init/lifecycle.ts and the folder beside it. */
export interface Mutant {
  /** What is wrong with it, as a user would say. */
  readonly name: string;
  /** The text that is replaced, which occurs once. Any run of white space matches any other. */
  readonly from: string;
  readonly to: string;
}

const init = resolve(import.meta.dirname, '../../src/init');
const entry = resolve(init, 'lifecycle.ts');
const files = [entry, ...readdirSync(`${init}/lifecycle`).map((name) => resolve(init, 'lifecycle', name))];

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
          onLoad({ filter: /\/init\/lifecycle[./]/ }, ({ path }) => ({
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
    from: 'return stopWorkload(policy, { ...state, stoppedBy }, signal, sent);',
    to: 'return stopWorkload(policy, state, signal, sent);',
  },
  {
    name: 'a stop between two runs is ignored',
    from: "case 'backoff': return exit(state.status);",
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
    from: '(how.signal === SIGHUP || ',
    to: '(',
  },
  {
    name: 'a Ctrl-C that the workload handles does not end the restarts',
    from: '(wasStopped ? how.signal : state.interruptedBy)',
    to: '(wasStopped ? how.signal : undefined)',
  },
  {
    name: 'any signal to the workload’s group ends the restarts',
    from: 'return terminalStopSignals.includes(signal) ? next({ ...state, interruptedBy: signal }) : next(state);',
    to: 'return next({ ...state, interruptedBy: signal });',
  },
  {
    name: 'a stop before a start that fails is forgotten',
    from: 'state.stoppedBy ?? state.held.find((signal) => isStop(policy, sentFor(policy, signal)))',
    to: 'state.stoppedBy',
  },
  {
    name: 'an exception does not count as a stop',
    from: 'const run = asStopped(state);',
    to: 'const run = state;',
  },

  // --- Forwarding
  {
    name: 'signals that came before the workload ran are lost',
    from: 'held.reduce(',
    to: 'held.slice(1).reduce(',
  },
  {
    name: 'the first of two stop signals is lost',
    from: 'chain(beginStop(policy, state, state.stopping), (now) => forward(policy, now, signal, sent))',
    to: 'beginStop(policy, state, { signal, sent })',
  },
  {
    name: 'nothing is delayed',
    from: 'if (stopDelayMs === 0) return beginStop',
    to: 'if (true) return beginStop',
  },
  {
    name: 'a signal to a draining tree reaches the group alone',
    from: "signal, sent, scope: 'tree' }",
    to: 'signal, sent, scope: options.scope }',
  },

  // --- Timers
  {
    name: 'a timer is not cleared',
    from: "if (old !== undefined) changes.push({ kind: 'clear-timer', timer: old.timer });",
    to: '',
  },
  {
    name: 'survivors wait for the timer of the workload',
    from: ' && before.kind === after.state.kind',
    to: '',
  },
  {
    name: 'each stop signal starts the timeout anew',
    from: "case 'forwarded': case 'killing': return forward(policy, state, signal, sent);",
    to: "case 'forwarded': case 'killing': return beginStop(policy, state, { signal, sent });",
  },
  {
    name: 'a timer counts what has passed again',
    from: '{ timer: last, ms: endMs - waitedMs }',
    to: '{ timer: last, ms: endMs }',
  },
  {
    name: 'the grace time never ends, for a slow look at survivors',
    from: "return next({ ...state, waitedMs }, explain({ kind: 'slow-survivors', waitedMs }));",
    to: "return next(state, explain({ kind: 'slow-survivors', waitedMs }));",
  },
  {
    name: 'the grace time is that of the stop timeout',
    from: "waitingTimer(slowMs, state.waitedMs, 'grace', options.graceMs)",
    to: "waitingTimer(slowMs, state.waitedMs, 'grace', options.stopTimeoutMs ?? options.graceMs)",
  },

  // --- Survivors
  {
    name: 'one round of SIGKILL has to do',
    from: "if (state.survivors === 'killing') return next(state, kill(policy, state));",
    to: "if (state.survivors === 'killing') return next(state);",
  },
  {
    name: 'while the workload runs, one round of SIGKILL has to do',
    from: 'return isKilling(state) ? next(state, kill(policy, state)) : next(state);',
    to: 'return next(state);',
  },
  {
    name: 'after the stop timeout survivors get the grace time',
    from: 'preceded(effects, isKilling(state) ? chain(ending, (now) => killSurvivors(policy, now)) : ending)',
    to: 'preceded(effects, ending)',
  },
  {
    name: 'after an exception survivors get the grace time once more',
    from: 'preceded([fatal], isKilling(state) ? chain(ending, (now) => killSurvivors(policy, now)) : ending)',
    to: 'preceded([fatal], ending)',
  },
  {
    name: 'a second stop signal does not hurry the end',
    from: 'isSecond ? killNow(policy, state) : next({ ...state, stoppedBy })',
    to: 'next({ ...state, stoppedBy })',
  },
  {
    name: 'survivors are killed without being asked',
    from: "return next({ ...state, survivors: 'asked' }, explain({ kind: 'asking' }), ask);",
    to: "return next({ ...state, survivors: 'asked' }, explain({ kind: 'asking' }));",
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
    name: 'as PID 1 a stop timeout spares what entered from outside',
    from: "if (state.kind !== 'terminating') return state.stoppedBy !== undefined;",
    to: "if (state.kind !== 'terminating') return false;",
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
  { name: 'one restart too many', from: 'inARow >= restart.limit', to: 'inARow > restart.limit' },
  {
    name: 'a success starts no new row of failures',
    from: 'return runMs >= GOOD_RUN_MS ? 0 : restarts;',
    to: 'return restarts;',
  },
  {
    name: 'the wait between runs grows without end',
    from: 'Math.min(FIRST_BACKOFF_MS * 2 ** inARow, LONGEST_BACKOFF_MS)',
    to: 'FIRST_BACKOFF_MS * 2 ** inARow',
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
    from: 'status === 0 && stoppedBy !== undefined ? 128 + stoppedBy : status',
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
    from: 'return terminate(policy, endOf({ ...state, stoppedBy }, 0));',
    to: 'return next({ ...state, stoppedBy });',
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
    from: 'if (policy.options.stopTimeoutMs === undefined) return forward(policy, state, signal, sent);',
    to: '',
  },
  {
    name: 'a request to kill leaves the grace time',
    from: 'return chain(endTree(policy, state), (now) => killNow(policy, now));',
    to: 'return endTree(policy, state);',
  },
];
