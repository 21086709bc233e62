import { describe, expect, test } from 'vitest';
import type { Explained } from '../../src/lifecycle/explained.ts';
import { initialState, step } from '../../src/lifecycle/lifecycle.ts';
import type { Effect, Event, Policy, State, TimerName } from '../../src/lifecycle/model.ts';
import type { Pid, Signal } from '../../src/native/types.ts';
import { defaults, withOptions } from '../helpers/lifecycle-policies.ts';
import {
  killedBy,
  SIGCONT,
  SIGHUP,
  SIGINT,
  SIGKILL,
  SIGTERM,
  SIGTSTP,
  SIGTTIN,
  SIGUSR1,
} from '../helpers/lifecycle-world.ts';

const started: Event = { kind: 'workload-started', atMs: 0, workload: 7 as Pid, program: 'x' };
const signal = (number: Signal): Event => ({ kind: 'signal', signal: number });
const exited = (code: number, atMs = 0): Event => ({
  kind: 'workload-ended',
  atMs,
  workload: 7 as Pid,
  how: { kind: 'exited', code },
  hadTerminal: false,
  forwarded: [],
});
const noChildLeft: Event = { kind: 'no-child-left', atMs: 0 };
const childrenLeft: Event = { kind: 'children-left' };
const stoppingFound = (isAny: boolean): Event => ({ kind: 'stopping-found', isAny });

/** Runs events from the initial state. Returns the effects of the last event, without logs. */
function run(policy: Policy, ...events: readonly Event[]): { state: State; effects: Effect[] } {
  let state = initialState(policy);
  let effects: readonly Effect[] = [];
  for (const event of events) ({ state, effects } = step(policy, state, event));
  return { state, effects: effects.filter(({ kind }) => kind !== 'log' && kind !== 'drop') };
}

const exit = (status: number) => ({ kind: 'exit', status });
const exiting = (status: number) => ({ kind: 'exiting', status });
const explanation = (what: Explained): Effect => ({ kind: 'explain', what });
const fired = (timer: TimerName): Event => ({ kind: 'timer', timer });

describe('the lifecycle', () => {
  test('ends with the status of the workload, and of what it left nothing', () => {
    expect(run(defaults, started, exited(3)).state).toMatchObject({ kind: 'terminating', status: 3 });
    expect(run(defaults, started, exited(3), noChildLeft).effects).toContainEqual(exit(3));
  });

  test('gives survivors the grace time, and kills them round after round', () => {
    const asked = run(defaults, started, exited(3), childrenLeft);
    expect(asked.effects).toEqual([explanation({ kind: 'asking' }), { kind: 'ask', everybody: false }]);
    const killing = [started, exited(3), childrenLeft, { kind: 'timer', timer: 'grace' } as const];
    expect(run(defaults, ...killing).effects).toContainEqual({ kind: 'kill' });
    expect(run(defaults, ...killing, childrenLeft).effects).toEqual([{ kind: 'kill' }]);
    expect(run(defaults, ...killing, noChildLeft).effects).toContainEqual(exit(3));
  });

  test('as PID 1 leaves the last killing to the kernel', () => {
    const policy = { ...defaults, isPid1: true };
    const asked = run(policy, started, exited(3), childrenLeft);
    expect(asked.effects).toEqual([explanation({ kind: 'asking' }), { kind: 'ask', everybody: true }]);
    const { effects } = run(policy, started, exited(3), childrenLeft, { kind: 'timer', timer: 'grace' });
    expect(effects).toEqual([explanation({ kind: 'killing' }), exit(3)]);
  });

  test('as PID 1 ends with a restart only its own descendants', () => {
    const policy = withOptions({ restart: { kind: 'always' } }, { isPid1: true });
    expect(run(policy, started, exited(3), childrenLeft).effects).toContainEqual({
      kind: 'ask',
      everybody: false,
    });
    const stopped = [started, signal(SIGTERM), exited(3), childrenLeft, stoppingFound(false)];
    expect(run(policy, ...stopped).effects).toContainEqual({ kind: 'ask', everybody: true });
  });

  test('SIGHUP is no stop signal: no timeout, and the restarts go on', () => {
    const policy = withOptions({ stopTimeoutMs: 500, restart: { kind: 'always' } });
    const { state, effects } = run(policy, started, signal(SIGHUP));
    expect(effects).toEqual([{ kind: 'forward', signal: SIGHUP, sent: SIGHUP, scope: 'group' }]);
    expect(state).toMatchObject({ kind: 'running', stoppedBy: undefined });
    expect(run(policy, started, signal(SIGHUP), exited(0), noChildLeft).state.kind).toBe('backoff');
  });

  test('a SIGHUP that ends the workload ends the restarts: the terminal went away', () => {
    const policy = withOptions({ restart: { kind: 'always' } });
    expect(run(policy, started, killedBy(SIGHUP), noChildLeft).effects).toContainEqual(exit(129));
  });

  test('what counts is what is sent, after rewriting', () => {
    const toUsr1 = withOptions({ stopTimeoutMs: 500, rewrite: new Map([[SIGTERM, SIGUSR1]]) });
    expect(run(toUsr1, started, signal(SIGTERM)).state).toMatchObject({ stoppedBy: undefined });
    const toTerm = withOptions({ stopTimeoutMs: 500, rewrite: new Map([[SIGHUP, SIGTERM]]) });
    expect(run(toTerm, started, signal(SIGHUP)).state).toMatchObject({ stoppedBy: SIGTERM });
    expect(run(toTerm, started, signal(SIGHUP)).effects[0]).toMatchObject({ timer: 'stop-timeout' });
  });

  test.each([
    { runs: 1, delayMs: 200 },
    { runs: 2, delayMs: 400 },
    { runs: 6, delayMs: 6400 },
    { runs: 7, delayMs: 10_000 },
    { runs: 20, delayMs: 10_000 },
  ])('--restart waits $delayMs ms after run $runs', ({ runs, delayMs }) => {
    const policy = withOptions({ restart: { kind: 'always' } });
    const events = Array.from({ length: runs }, () => [
      started,
      exited(1),
      noChildLeft,
      { kind: 'timer', timer: 'backoff' } as const,
    ]).flat();
    expect(run(policy, ...events.slice(0, -1)).state).toMatchObject({ kind: 'backoff', delayMs });
  });

  test('--restart begins a new row after a run of ten seconds, the grace time left out', () => {
    const policy = withOptions({ restart: { kind: 'on-failure', limit: 1 } });
    const again: Event[] = [noChildLeft, { kind: 'timer', timer: 'backoff' }, started];
    const short = [started, exited(1), ...again, exited(1, 9999), { ...noChildLeft, atMs: 60_000 }];
    expect(run(policy, ...short).state).toEqual({ kind: 'exiting', status: 1 });
    expect(run(policy, started, exited(1), ...again, exited(1, 10_000), noChildLeft).state.kind).toBe(
      'backoff',
    );
  });

  test('Ctrl-Z stops init as well, and SIGCONT gives the terminal back', () => {
    const policy = { ...defaults, terminal: 'own' } as const;
    const stopped: Event[] = [
      started,
      { kind: 'workload-stopped', signal: SIGTSTP },
      { kind: 'terminal-checked', stoppedBy: SIGTSTP, workloadHasIt: true },
    ];
    expect(run(policy, ...stopped).effects).toEqual([{ kind: 'take-terminal' }, { kind: 'suspend' }]);
    expect(run(policy, ...stopped, signal(SIGCONT)).effects).toEqual([
      { kind: 'give-terminal' },
      { kind: 'forward', signal: SIGCONT, sent: SIGCONT, scope: 'group' },
    ]);
    expect(run(policy, ...stopped, signal(SIGCONT), { kind: 'resumed' }).effects).toEqual([]);
    // No signal continued it.
    expect(run(policy, ...stopped, { kind: 'resumed' }).effects).toEqual([
      { kind: 'give-terminal' },
      { kind: 'continue-workload' },
    ]);
  });

  test('--stop-timeout over what the workload left running: the kernel reaps meanwhile', () => {
    const policy = withOptions({ until: 'all', stopTimeoutMs: 1000 });
    const timedOut: Event = { kind: 'timer', timer: 'stop-timeout' };
    expect(run(policy, started, exited(0), signal(SIGTERM), timedOut).effects.slice(-2)).toEqual([
      { kind: 'discard-statuses', discard: true },
      { kind: 'kill' },
    ]);
  });

  test('says what a stop waits for, ever more rarely, and kills in time all the same', () => {
    const policy = withOptions({ stopTimeoutMs: 11_000 });
    const stop = [started, signal(SIGTERM)];
    const set = (timer: TimerName, ms: number) => ({ kind: 'set-timer', timer, ms });
    const slow = (waitedMs: number) =>
      explanation({ kind: 'slow-stop', signal: SIGTERM, scope: 'group', waitedMs });
    expect(run(policy, ...stop).effects[0]).toEqual(set('slow', 2000));
    expect(run(policy, ...stop, fired('slow')).effects).toEqual([set('slow', 3000), slow(2000)]);
    const twice = [...stop, fired('slow'), fired('slow')];
    expect(run(policy, ...twice).effects).toEqual([set('slow', 5000), slow(5000)]);
    const often = [...twice, fired('slow')];
    expect(run(policy, ...often).effects).toEqual([set('stop-timeout', 1000), slow(10_000)]);
    expect(run(policy, ...often, fired('stop-timeout')).effects).toEqual([
      explanation({ kind: 'stop-timeout', signal: SIGTERM, scope: 'group', waitedMs: 11_000 }),
      { kind: 'kill' },
    ]);
    // Without a timeout it falls silent in the end.
    const patient = [...often, fired('slow')];
    expect(run(defaults, ...patient).effects).toEqual([slow(30_000)]);
    expect(run(defaults, ...patient, exited(0)).effects).not.toContainEqual(
      expect.objectContaining({ kind: 'clear-timer' }),
    );
  });

  test('says which survivors a long grace time waits for', () => {
    const policy = withOptions({ graceMs: 3000 });
    const asked = [started, exited(3), childrenLeft];
    expect(run(policy, ...asked, fired('slow')).effects).toEqual([
      { kind: 'set-timer', timer: 'grace', ms: 1000 },
      explanation({ kind: 'slow-survivors', waitedMs: 2000 }),
    ]);
    expect(run(policy, ...asked, fired('slow'), noChildLeft).effects).toEqual([
      { kind: 'clear-timer', timer: 'grace' },
      { kind: 'forget-survivors' },
      exit(3),
    ]);
  });

  test('gives survivors their grace time, and not what is left of the wait for the workload', () => {
    const policy = withOptions({ graceMs: 6000 });
    const stop = [started, signal(SIGTERM), fired('slow'), fired('slow'), fired('slow')];
    expect(run(policy, ...stop).effects[0]).toEqual({ kind: 'set-timer', timer: 'slow', ms: 20_000 });
    expect(run(policy, ...stop, exited(0), childrenLeft, stoppingFound(false)).effects.slice(0, 2)).toEqual([
      { kind: 'clear-timer', timer: 'slow' },
      { kind: 'set-timer', timer: 'slow', ms: 2000 },
    ]);
  });

  test('goes on killing after an exception: no second grace time', () => {
    const policy = withOptions({ stopTimeoutMs: 1000 });
    const threw: Event = { kind: 'init-failed', message: 'an exception' };
    const killing = [started, signal(SIGTERM), fired('stop-timeout')];
    expect(run(policy, ...killing, threw).effects).toEqual([
      { kind: 'discard-statuses', discard: true },
      { kind: 'kill' },
    ]);
    // PID 1 exits, and the kernel kills.
    expect(run({ ...policy, isPid1: true }, ...killing, threw).effects).toContainEqual(exit(125));
  });

  test('as PID 1 waits a second at most for what SIGKILL does not end', () => {
    const policy = withOptions({ stopTimeoutMs: 1000 }, { isPid1: true });
    const killing = [started, signal(SIGTERM), fired('stop-timeout')];
    expect(run(policy, ...killing).effects).toContainEqual({ kind: 'set-timer', timer: 'kill', ms: 1000 });
    expect(run(policy, ...killing, fired('kill')).effects).toContainEqual(exit(137));
    expect(run(policy, ...killing, killedBy(SIGKILL)).effects).toContainEqual(exit(137));
    const outOfReach: Event = { kind: 'survivors-out-of-reach', why: 'x' };
    expect(run(policy, ...killing, outOfReach).effects).toContainEqual(exit(137));
  });

  describe('in a stop, what got the signal with the workload takes its place', () => {
    const stopped = [started, signal(SIGTERM), killedBy(SIGTERM, false, [SIGTERM]), childrenLeft];
    const stopping = [...stopped, stoppingFound(true)];
    const note = (what: object) => ({ kind: 'note-recipients', signal: SIGTERM, scope: 'group', ...what });

    test('init notes who gets it before it sends it', () => {
      expect(run(defaults, started, signal(SIGTERM)).effects).toMatchObject([
        { kind: 'set-timer', timer: 'slow', ms: 2000 },
        note({ when: 'before' }),
        { kind: 'forward', sent: SIGTERM },
      ]);
      // A second one makes nobody a recipient.
      expect(run(defaults, started, signal(SIGTERM), signal(SIGINT)).effects).toMatchObject([
        { kind: 'forward', sent: SIGINT },
      ]);
    });

    test('it is not asked again, has no grace time, and init looks whenever a child has ended', () => {
      expect(run(defaults, ...stopped).effects).toEqual([{ kind: 'find-stopping' }]);
      expect(run(defaults, ...stopping).effects).toEqual([
        explanation({ kind: 'stopping', signal: SIGTERM, scope: 'group' }),
      ]);
      expect(run(defaults, ...stopping).state).toMatchObject({ kind: 'draining', awaits: 'stopping' });
      expect(run(withOptions({ graceMs: 0 }), ...stopping).effects).toHaveLength(1);
      expect(run(defaults, ...stopping, childrenLeft).effects).toEqual([{ kind: 'find-stopping' }]);
      expect(run(defaults, ...stopping, noChildLeft).effects).toContainEqual(exit(143));
    });

    test('the others are asked when the last of them has ended', () => {
      const { effects } = run(defaults, ...stopping, childrenLeft, stoppingFound(false));
      expect(effects).toContainEqual({ kind: 'ask', everybody: false });
      expect(effects).toContainEqual({ kind: 'set-timer', timer: 'grace', ms: 2000 });
    });

    test('a workload that ends well in a stop has its own status', () => {
      const ended = [started, signal(SIGTERM), exited(0), childrenLeft, stoppingFound(true), noChildLeft];
      expect(run(defaults, ...ended).effects).toContainEqual(exit(0));
    });

    test('--stop-timeout goes on', () => {
      const policy = withOptions({ stopTimeoutMs: 3000 });
      const late = run(policy, ...stopping, fired('slow'));
      expect(late.effects[0]).toEqual({ kind: 'set-timer', timer: 'stop-timeout', ms: 1000 });
      const timedOut = [...stopping, fired('slow'), fired('stop-timeout')];
      expect(run(policy, ...timedOut).effects).toContainEqual({ kind: 'kill' });
      expect(run({ ...policy, isPid1: true }, ...timedOut).effects).toContainEqual(exit(143));
    });

    test('a second stop signal goes to its group', () => {
      const again = { kind: 'forward', signal: SIGTERM, sent: SIGTERM, scope: 'group' };
      expect(run(defaults, ...stopping, signal(SIGTERM)).effects).toEqual([again]);
      expect(run(withOptions({ scope: 'tree' }), ...stopping, signal(SIGTERM)).effects).toEqual([
        { ...again, scope: 'tree' },
      ]);
    });

    test('a second stop signal waits until init knows whether there is any', () => {
      const [ended, second] = [[started, signal(SIGTERM), exited(6)], signal(SIGINT)];
      expect(run(defaults, ...ended, second).effects).toEqual([]);
      expect(run(defaults, ...ended, second, childrenLeft, stoppingFound(true)).effects).toContainEqual({
        kind: 'forward',
        signal: SIGINT,
        sent: SIGINT,
        scope: 'group',
      });
      // Nobody: it ends the grace time of the others.
      const others = [...ended, second, signal(SIGTERM), childrenLeft, stoppingFound(false)];
      expect(run(defaults, ...others).effects).toContainEqual({ kind: 'kill' });
      expect(run({ ...defaults, isPid1: true }, ...others).effects).toContainEqual(exit(6));
      expect(run(defaults, ...ended, second, noChildLeft).effects).toContainEqual(exit(6));
    });

    test('the end of the owner bounds its time', () => {
      const ended = run(owned, ...stopping, { kind: 'owner-ended' }, childrenLeft);
      expect(ended.state).toMatchObject({ kind: 'terminating', survivors: 'asked' });
    });

    test('a Ctrl-C counts as well, if it ended the workload or the status says so', () => {
      const onTerminal = { ...defaults, terminal: 'own' } as const;
      for (const [how, when] of [
        [{ kind: 'killed', signal: SIGINT, coreDumped: false }, 'sent'],
        // It only looks like that.
        [{ kind: 'exited', code: 130 }, 'perhaps-sent'],
      ] as const) {
        const sent = note({ signal: SIGINT, when });
        const ended: Event = { ...(exited(0) as Extract<Event, { kind: 'workload-ended' }>), how };
        const onIt = run(onTerminal, started, { ...ended, hadTerminal: true });
        expect(onIt.effects).toContainEqual(sent);
        // It keeps the terminal, and a Ctrl-Z does not hold it up.
        expect(onIt.effects).not.toContainEqual({ kind: 'take-terminal' });
        expect(
          step(onTerminal, onIt.state, { kind: 'workload-stopped', signal: SIGTSTP }).effects,
        ).toContainEqual({ kind: 'continue-workload' });
        expect(run(onTerminal, started, ended).effects).not.toContainEqual(sent);
      }
    });
  });

  test.each([
    { name: 'a signal that it did not send', end: killedBy(SIGKILL), isSaid: true },
    { name: 'one that it sent', end: killedBy(SIGTERM, false, [SIGTERM]), isSaid: false },
    { name: 'a status that looks like a signal', end: exited(137), isSaid: true },
    {
      name: 'a status for a signal that it sent',
      end: { ...exited(143), forwarded: [SIGTERM] },
      isSaid: false,
    },
    { name: 'a status for a signal that the terminal sends', end: exited(130), isSaid: true },
    { name: 'a status that stands for SIGCHLD', end: exited(145), isSaid: false },
    { name: 'any other status', end: exited(255), isSaid: false },
    { name: 'no failure', end: exited(0), isSaid: false },
  ])('explains an end: $name: $isSaid', ({ end, isSaid }) => {
    const { effects } = run(defaults, started, end as Event);
    expect(effects.some(({ kind }) => kind === 'explain')).toBe(isSaid);
  });

  test('explains no end that is as it should be', () => {
    const remapped = withOptions({ remapExit: new Map([[137, 0]]) });
    const withTerminal = { ...defaults, terminal: 'own' } as const;
    const timedOut = [started, signal(SIGTERM), fired('stop-timeout'), killedBy(SIGKILL)];
    for (const effects of [
      run(remapped, started, killedBy(SIGKILL)).effects,
      run(withTerminal, started, killedBy(SIGINT, true)).effects,
      run(withTerminal, started, killedBy(SIGHUP)).effects,
      ...[129, 130, 131].map((code) => run(withTerminal, started, exited(code)).effects),
      run(withOptions({ rewrite: new Map([[SIGTERM, SIGINT]]) }), started, {
        ...exited(143),
        forwarded: [SIGINT],
      } as Event).effects,
      run(withOptions({ stopTimeoutMs: 1000 }), ...timedOut).effects,
    ])
      expect(effects.filter((effect) => effect.kind === 'explain' && effect.what.kind === 'end')).toEqual([]);
  });

  const owned = withOptions({ untilOwner: true, untilStdinCloses: true, restart: { kind: 'always' } });
  const ownerEnded: Event = { kind: 'owner-ended' };
  const inputEnded: Event = { kind: 'input-ended' };

  test('the end of the owner ends the workload like a survivor, and its status is init’s', () => {
    expect(run(owned, started, ownerEnded).effects).toEqual([
      { kind: 'set-timer', timer: 'grace', ms: 2000 },
      { kind: 'take-back' },
    ]);
    const asked = [started, ownerEnded, childrenLeft];
    expect(run(owned, ...asked).effects).toEqual([
      explanation({ kind: 'asking' }),
      { kind: 'ask', everybody: false },
    ]);
    expect(run(owned, ...asked, exited(5)).effects).toEqual([{ kind: 'discard-statuses', discard: true }]);
    expect(run(owned, ...asked, exited(5), noChildLeft).effects).toContainEqual(exit(5));
    expect(run(owned, ...asked, fired('grace')).effects).toEqual([
      explanation({ kind: 'killing' }),
      { kind: 'discard-statuses', discard: true },
      { kind: 'kill' },
    ]);
    expect(run(owned, ...asked, fired('grace'), noChildLeft).effects).toContainEqual(exit(137));
  });

  test('nothing starts again, and nothing is waited for, once the owner has ended', () => {
    expect(run(owned, started, exited(1), ownerEnded, noChildLeft).state).toEqual(exiting(1));
    expect(run(owned, started, exited(1), noChildLeft, ownerEnded).state).toEqual(exiting(1));
    const delayed = withOptions({ untilOwner: true, stopDelayMs: 9000 });
    expect(run(delayed, started, signal(SIGTERM), ownerEnded).effects).toEqual([
      { kind: 'clear-timer', timer: 'stop-delay' },
      { kind: 'set-timer', timer: 'grace', ms: 2000 },
      { kind: 'take-back' },
    ]);
    const draining = withOptions({ untilOwner: true, until: 'all' });
    expect(run(draining, started, exited(0), ownerEnded).state).toMatchObject({
      kind: 'terminating',
      status: 143,
    });
  });

  test('the end of standard input gives the workload the grace time to end by itself', () => {
    expect(run(owned, started, inputEnded).effects).toEqual([
      { kind: 'set-timer', timer: 'input', ms: 2000 },
    ]);
    expect(run(owned, started, inputEnded, exited(0), noChildLeft).state).toEqual(exiting(0));
    expect(run(owned, started, inputEnded, fired('input')).state).toMatchObject({
      kind: 'terminating',
      workloadRuns: true,
    });
    // A stop signal goes through, and stops no clock.
    const stopped = run(owned, started, inputEnded, signal(SIGTERM));
    expect(stopped.effects).toMatchObject([{ kind: 'note-recipients' }, { kind: 'forward', sent: SIGTERM }]);
    expect(stopped.state).toMatchObject({ stopping: { kind: 'input-ended' } });
    const timeout = withOptions({ untilStdinCloses: true, stopTimeoutMs: 500 });
    expect(run(timeout, started, inputEnded, signal(SIGTERM)).effects).toMatchObject([
      { kind: 'clear-timer', timer: 'input' },
      { kind: 'set-timer', timer: 'stop-timeout' },
      { kind: 'note-recipients' },
      { kind: 'forward', sent: SIGTERM },
    ]);
    expect(run(timeout, started, signal(SIGTERM), inputEnded).effects).toEqual([]);
  });

  test('a request to kill leaves no time', () => {
    expect(run(owned, started, { kind: 'kill-requested' }).effects.slice(-1)).toEqual([{ kind: 'kill' }]);
  });

  test('a Ctrl-C that the workload handles ends the restarts', () => {
    const restart = { kind: 'always' } as const;
    const policy = { ...withOptions({ restart }), terminal: 'own' } as const;
    const ctrlC: Event = { kind: 'terminal-signal', signal: SIGINT };
    expect(run(policy, started, exited(0), noChildLeft).state.kind).toBe('backoff');
    expect(run(policy, started, ctrlC, exited(0), noChildLeft).state).toEqual({ kind: 'exiting', status: 0 });
    const killed: Event = { kind: 'terminal-signal', signal: SIGKILL };
    expect(run(policy, started, killed, exited(0), noChildLeft).state.kind).toBe('backoff');
  });

  test('leaves survivors alone if it is told to, and exits as soon as it has reaped', () => {
    const policy = withOptions({ survivors: 'leave' });
    expect(run(policy, started, exited(3), childrenLeft).effects.at(-1)).toEqual(exit(3));
    expect(run(policy, started, exited(3), noChildLeft).effects).toContainEqual(exit(3));
  });

  test('sends the group of the workload one signal, if that is what survivors get', () => {
    const policy = withOptions({ survivors: 'signal' });
    const signalled = { kind: 'signal-group', signal: SIGTERM };
    expect(run(policy, started, exited(3)).effects).toContainEqual(signalled);
    expect(run(policy, started, exited(3), childrenLeft).effects.at(-1)).toEqual(exit(3));
  });

  test('rewrites that signal too', () => {
    const kinds = (sent: Signal | 'drop') =>
      run(withOptions({ survivors: 'signal', rewrite: new Map([[SIGTERM, sent]]) }), started, exited(3))
        .effects;
    expect(kinds(SIGINT)).toContainEqual({ kind: 'signal-group', signal: SIGINT });
    expect(kinds('drop').map(({ kind }) => kind)).not.toContain('signal-group');
  });

  test('ends survivors all the same before another run', () => {
    const policy = withOptions({ survivors: 'leave', restart: { kind: 'always' } });
    expect(run(policy, started, exited(3), childrenLeft).effects).toContainEqual({
      kind: 'ask',
      everybody: false,
    });
    const stopped = run(policy, started, signal(SIGTERM), exited(3), childrenLeft);
    expect(stopped.effects.at(-1)).toEqual(exit(3));
  });

  test('a failure of init ends the workload all the same', () => {
    const failed: Event = { kind: 'init-failed', message: 'an exception' };
    const { effects } = run(withOptions({ survivors: 'leave' }), started, failed, childrenLeft);
    expect(effects).toContainEqual({ kind: 'ask', everybody: false });
  });

  test('stops itself after it has forwarded one of the signals that suspend it, or dropped it', () => {
    const policy = withOptions({ suspendOn: [SIGTSTP, SIGUSR1], rewrite: new Map([[SIGUSR1, 'drop']]) });
    expect(run(policy, started, signal(SIGTSTP)).effects).toEqual([
      { kind: 'forward', signal: SIGTSTP, sent: SIGTSTP, scope: 'group' },
      { kind: 'stop-self' },
    ]);
    expect(run(policy, started, signal(SIGUSR1)).effects).toEqual([{ kind: 'stop-self' }]);
  });

  test('does not forward the signals of the terminal that it has given up, each of them once', () => {
    const policy = { ...defaults, handOffSignals: [SIGHUP, SIGCONT] };
    const forwarded = [{ kind: 'forward', signal: SIGHUP, sent: SIGHUP, scope: 'group' }];
    expect(run(policy, started, signal(SIGHUP)).effects).toEqual([]);
    expect(run(policy, started, signal(SIGHUP), signal(SIGCONT)).effects).toEqual([]);
    expect(run(policy, started, signal(SIGHUP), signal(SIGHUP)).effects).toEqual(forwarded);
  });

  test('a workload that asks for the terminal gets it', () => {
    const policy = { ...defaults, terminal: 'shared' } as const;
    const asks: Event = { kind: 'workload-stopped', signal: SIGTTIN };
    expect(run(policy, started, asks).effects[0]).toEqual({ kind: 'give-terminal' });
    const has: Event = { kind: 'terminal-checked', stoppedBy: SIGTTIN, workloadHasIt: true };
    expect(run(policy, started, asks, has).effects).toEqual([{ kind: 'continue-workload' }]);
  });
});
