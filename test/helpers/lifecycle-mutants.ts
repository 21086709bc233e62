import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import type { Lifecycle } from './lifecycle-world.ts';

/** One wrong edit of src/init/lifecycle.ts. */
export interface Mutant {
  /** What is wrong with it, as a user would say. */
  readonly name: string;
  /** The text that is replaced, which occurs once. Any run of white space matches any other. */
  readonly from: string;
  readonly to: string;
}

const file = resolve(import.meta.dirname, '../../src/init/lifecycle.ts');

/** The edited source, compiled. @throws Error if the text to replace is not there, or more than once */
export async function loadMutant({ name, from, to }: Mutant): Promise<Lifecycle> {
  const parts = readFileSync(file, 'utf8').split(asPattern(from));
  const [before, after] = parts;
  if (parts.length !== 2) throw new Error(`the mutant "${name}" fits ${parts.length - 1} places, not one`);
  const { outputFiles } = await build({
    stdin: { contents: `${before}${to}${after}`, resolveDir: resolve(file, '..'), loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
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
    from: "case 'backoff': return exit(state.status); case 'starting': return same(state);",
    to: "case 'backoff': return same(state); case 'starting': return same(state);",
  },
  {
    name: 'a signal that the workload ignores from its start is a stop',
    from: ' && !ignored.includes(sent)',
    to: '',
  },
  {
    name: 'SIGHUP is a stop signal',
    from: 'isStopSignal(sent) &&',
    to: '(isStopSignal(sent) || sent === SIGHUP) &&',
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
    from: 'return terminalStopSignals.includes(signal) ? same({ ...state, interruptedBy: signal }) : same(state);',
    to: 'return same({ ...state, interruptedBy: signal });',
  },
  {
    name: 'a stop before a start that fails is forgotten',
    from: 'state.stoppedBy ?? state.held.find((signal) => isStop(policy, sentFor(policy, signal)))',
    to: 'state.stoppedBy',
  },
  {
    name: 'an exception does not count as a stop',
    from: 'restarts: state.restarts, stoppedBy: state.stoppedBy ?? SIGTERM',
    to: 'restarts: state.restarts, stoppedBy: state.stoppedBy',
  },

  // --- Forwarding
  {
    name: 'signals that came before the workload ran are lost',
    from: 'held.reduce(',
    to: 'held.slice(1).reduce(',
  },
  {
    name: 'the first of two stop signals is lost',
    from: 'const first = forward(policy, forwarded, state.stopping.signal, state.stopping.sent);',
    to: 'const first = same(forwarded);',
  },
  {
    name: 'nothing is delayed',
    from: 'if (stopDelayMs === 0) return forward',
    to: 'if (true) return forward',
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
    from: ' && before.kind === state.kind',
    to: '',
  },
  {
    name: 'each stop signal starts the timeout anew',
    from: "case 'forwarded': case 'killing': return forward(policy, state, signal, sent);",
    to: "case 'forwarded': case 'killing': return forward(policy, forwarded, signal, sent);",
  },
  {
    name: 'a timer counts what has passed again',
    from: '{ timer: last, ms: endMs - waitedMs }',
    to: '{ timer: last, ms: endMs }',
  },
  {
    name: 'the grace time never ends, for a slow look at survivors',
    from: "return same({ ...state, waitedMs }, explain({ kind: 'slow-survivors', waitedMs }));",
    to: "return same(state, explain({ kind: 'slow-survivors', waitedMs }));",
  },
  {
    name: 'the grace time is that of the stop timeout',
    from: "waitingTimer(slowMs, state.waitedMs, 'grace', options.graceMs)",
    to: "waitingTimer(slowMs, state.waitedMs, 'grace', options.stopTimeoutMs ?? options.graceMs)",
  },

  // --- Survivors
  {
    name: 'one round of SIGKILL has to do',
    from: "if (state.survivors === 'killing') return same(state, kill(policy, state));",
    to: "if (state.survivors === 'killing') return same(state);",
  },
  {
    name: 'while the workload runs, one round of SIGKILL has to do',
    from: 'return isKilling ? same(state, kill(policy, state)) : same(state);',
    to: 'return same(state);',
  },
  {
    name: 'after the stop timeout survivors get the grace time',
    from: "stopping.kind === 'killing' ? then(terminating, (now) => killSurvivors(policy, now)) : terminating",
    to: 'terminating',
  },
  {
    name: 'after an exception survivors get the grace time once more',
    from: 'isKilling ? then(ending, (now) => killSurvivors(policy, now)) : ending',
    to: 'ending',
  },
  {
    name: 'a second stop signal does not hurry the end',
    from: 'isSecond ? killNow(policy, state) : same({ ...state, stoppedBy })',
    to: 'same({ ...state, stoppedBy })',
  },
  {
    name: 'survivors are killed without being asked',
    from: "return same({ ...state, survivors: 'asked' }, explain({ kind: 'asking' }), ask);",
    to: "return same({ ...state, survivors: 'asked' }, explain({ kind: 'asking' }));",
  },
  {
    name: 'a restart as PID 1 takes processes that entered from outside',
    from: 'return backoffMs(policy, state, remapped(policy, state.status), state.runMs) === undefined;',
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
    from: 'endRun(policy, state, status, runMs, false)',
    to: 'endRun(policy, state, status, runMs, true)',
  },
  {
    name: 'the kernel discards the status of the next run',
    from: "{ kind: 'discard-statuses', discard: false },",
    to: '',
  },
  { name: 'one restart too many', from: 'inARow >= restart.limit', to: 'inARow > restart.limit' },
  {
    name: 'a success starts no new row of failures',
    from: 'const inARow = runMs >= GOOD_RUN_MS ? 0 : run.restarts;',
    to: 'const inARow = run.restarts;',
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
    from: 'const status = hasFailed ? ownStatus : remapped(policy, ownStatus);',
    to: 'const status = ownStatus;',
  },
  {
    name: 'a tree that a signal ended counts as a success',
    from: 'return status === 0 && stoppedBy !== undefined ? 128 + stoppedBy : status;',
    to: 'return status;',
  },
  {
    name: 'init’s own failure has the status of the workload',
    from: '({ ...state, ...run, status: FAILED, hasFailed: true })',
    to: '({ ...state, ...run, hasFailed: true })',
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
    from: "return same({ kind: 'exiting', status }, exiting, { kind: 'exit', status });",
    to: "return same({ kind: 'exiting', status }, { kind: 'exit', status }, exiting);",
  },
  {
    name: 'the exit is carried out twice',
    from: "return same({ kind: 'exiting', status }, exiting, { kind: 'exit', status });",
    to: "return same({ kind: 'exiting', status }, { kind: 'exit', status }, { kind: 'exit', status });",
  },
  {
    name: '--pause has no end',
    from: 'return terminate(policy, { ...state, stoppedBy }, 0, 0);',
    to: 'return same({ ...state, stoppedBy });',
  },

  // --- The terminal
  {
    name: 'PID 1 stops itself at a Ctrl-Z',
    from: "if (isPid1) return asksForTerminal ? same(state) : same(state, { kind: 'continue-workload' });",
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
    from: 'return same(asStopped(state));',
    to: 'return same(state);',
  },
  {
    name: 'the end of the owner waits for --stop-timeout',
    from: "return state.stopping.kind === 'killing' ? same(state) : endWithWorkload(policy, state);",
    to: "return state.stopping.kind !== 'no' ? same(state) : endWithWorkload(policy, state);",
  },
  {
    name: 'the status of a workload that ends with its owner is lost',
    from: 'workloadRuns && !hasFailed ? [takeBack] : discardUnlessKept(policy)',
    to: 'hasFailed ? [takeBack] : discardUnlessKept(policy)',
  },
  {
    name: 'init ends with 143, and the workload has ended with another status',
    from: 'const status = state.hasFailed ? state.status : exitStatus(event.how);',
    to: 'const status = state.status;',
  },
  {
    name: 'a workload that SIGKILL ends has the status of SIGTERM',
    from: 'const status = state.workloadRuns && !state.hasFailed ? 128 + SIGKILL : state.status;',
    to: 'const status = state.status;',
  },
  {
    name: 'the end of standard input asks at once',
    from: "return same({ ...asStopped(state), stopping: { kind: 'input-ended' } });",
    to: 'return endTree(policy, state);',
  },
  {
    name: 'a stop signal makes init wait for ever for a workload whose input has ended',
    from: 'if (policy.options.stopTimeoutMs === undefined) return forward(policy, state, signal, sent);',
    to: '',
  },
  {
    name: 'a request to kill leaves the grace time',
    from: 'return then(endTree(policy, state), (now) => killNow(policy, now));',
    to: 'return endTree(policy, state);',
  },
];
