/** Who reaps init's children: a state and an event give the next state, and what to do. */

/**
 * - undecided: a run has just begun. init reaps until it knows whether the kernel may.
 * - init: it does, until no status matters any more.
 * - storm: so many children end that a SIGCHLD for each would double the cost. init reaps without one.
 * - kernel: SIGCHLD is ignored. A child leaves no zombie and no status, and its end does not wake init.
 * - indifferent: no status matters any more. The next wait tells whether there is a child left for which the kernel must know.
 * - discard: SA_NOCLDWAIT. A child leaves no zombie, however many come, and still sends SIGCHLD.
 */
export type Reaping = 'undecided' | 'init' | 'storm' | 'kernel' | 'indifferent' | 'discard';

/**
 * What changes it:
 * - begin: a run begins. leave: the kernel may reap it. take-back: init has to know from now on who has ended.
 * - discard: no status matters any more.
 * - flood: many have ended at once.
 * - more, nothing-yet, no-children: the result of the last wait of a turn.
 */
export type ReapingEvent =
  | 'begin'
  | 'leave'
  | 'take-back'
  | 'discard'
  | 'flood'
  | 'more'
  | 'nothing-yet'
  | 'no-children';

/**
 * - listen, unlisten: SIGCHLD has a handler, or none. ignore: its action is SIG_IGN, and the kernel reaps, sigaction(2).
 * - set-no-child-wait, clear-no-child-wait: SA_NOCLDWAIT.
 * - reap: now. wake: in the next turn of the event loop.
 * - tell: that every child that had ended is reaped.
 */
export type ReapingEffect =
  | 'listen'
  | 'unlisten'
  | 'ignore'
  | 'set-no-child-wait'
  | 'clear-no-child-wait'
  | 'reap'
  | 'wake'
  | 'tell';

type Change = readonly [Reaping, ...ReapingEffect[]];

/** What is not in the table changes nothing. test/unit/reaping.test.ts draws it, and tries each event in each state. */
export const changes: { readonly [State in Reaping]: { readonly [Kind in ReapingEvent]?: Change } } = {
  undecided: {
    // A child that became a zombie before SIGCHLD was ignored sends none any more.
    leave: ['kernel', 'unlisten', 'ignore', 'reap'],
    'take-back': ['init'],
    discard: ['indifferent', 'wake'],
    more: ['undecided', 'wake'],
    'nothing-yet': ['undecided', 'tell'],
    'no-children': ['undecided', 'tell'],
  },
  init: {
    begin: ['undecided'],
    discard: ['indifferent', 'wake'],
    flood: ['storm', 'unlisten', 'wake'],
    more: ['init', 'wake'],
    'nothing-yet': ['init', 'tell'],
    'no-children': ['init', 'tell'],
  },
  storm: {
    begin: ['undecided', 'listen', 'wake'],
    discard: ['indifferent', 'listen', 'wake'],
    more: ['storm', 'wake'],
    // A child that ended before there was a handler again sent no SIGCHLD: reap once more.
    'nothing-yet': ['init', 'listen', 'wake'],
    'no-children': ['init', 'listen', 'wake'],
  },
  kernel: {
    begin: ['undecided', 'listen', 'wake'],
    'take-back': ['init', 'listen', 'wake'],
    // At once, or the zombies that appear until the next turn would be init's work.
    discard: ['discard', 'listen', 'set-no-child-wait', 'wake'],
    more: ['kernel', 'wake'],
  },
  indifferent: {
    begin: ['undecided'],
    discard: ['indifferent', 'wake'],
    // The zombies that there are by now stay: reap them.
    more: ['discard', 'set-no-child-wait', 'wake'],
    'nothing-yet': ['discard', 'set-no-child-wait', 'wake', 'tell'],
    'no-children': ['indifferent', 'tell'],
  },
  discard: {
    begin: ['undecided', 'clear-no-child-wait'],
    discard: ['discard', 'wake'],
    more: ['discard', 'wake'],
    'nothing-yet': ['discard', 'tell'],
    'no-children': ['discard', 'tell'],
  },
};
