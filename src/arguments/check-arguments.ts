// TypeScript checks callers in TypeScript. These checks are for the others, and for values that come from elsewhere: the
// `pid` of a child whose spawn failed is undefined.

/** @returns what is wrong with the value, and what to give; undefined if the value is allowed */
export type Rule = (value: unknown) => string | undefined;

/** A duration may be as long as a timer of node's: 2^31 - 1 ms, some 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Callers mark it as pure: a bundle then leaves out the rules that it does not use.
 * @param allowed what to give instead, in words
 */
export function rule(allows: (value: unknown) => boolean, allowed: string): Rule {
  return (value) => (allows(value) ? undefined : `is ${describe(value)}; give ${allowed}`);
}

export const aFunction = /* @__PURE__ */ rule((value) => typeof value === 'function', 'a function');
export const aString = /* @__PURE__ */ rule((value) => typeof value === 'string', 'a string');
export const anObject = /* @__PURE__ */ rule(
  (value) => typeof value === 'object' && value !== null,
  'an object',
);
export const aBoolean = /* @__PURE__ */ rule((value) => typeof value === 'boolean', 'true or false');

/** For the arguments of a command, which may hold secrets: it names only the type of a value. */
export const anArray: Rule = (value) =>
  Array.isArray(value) ? undefined : `is ${typeName(value)}; give an array`;

/** The pid of another process, or of this one: 0 and negative numbers mean process groups to kill(2). */
export const aPid: Rule = (value) => {
  if (Number.isSafeInteger(value) && Number(value) > 0) return undefined;
  const why = value === undefined ? ', as it is after a failed spawn' : '';
  return `is ${describe(value)}${why}; give the pid of a process, a whole number from 1`;
};

export const milliseconds = /* @__PURE__ */ rule(
  (value) => typeof value === 'number' && value >= 0 && value <= LONGEST_MS,
  `a number of milliseconds from 0 to ${LONGEST_MS}`,
);

export function aWholeNumber(least: number, most: number): Rule {
  return rule(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    `a whole number from ${least} to ${most}`,
  );
}

/** @throws TypeError that names the function, the argument, its value and what to give */
export function checkArgument(caller: string, name: string, value: unknown, check: Rule): void {
  const complaint = check(value);
  if (complaint !== undefined) throw new TypeError(`${caller}: '${name}' ${complaint}`);
}

/**
 * An option that is undefined counts as left out.
 * @throws TypeError that names the function, the option, its value and what to give
 */
export function checkOptions(caller: string, options: object, rules: Readonly<Record<string, Rule>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${caller}: the options are ${describe(options)}; give an object, or leave them out`);
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (check === undefined) {
      throw new TypeError(
        `${caller}: there is no option '${name}'; take one of ${Object.keys(rules).join(', ')}`,
      );
    }
    if (value !== undefined) checkArgument(caller, name, value, check);
  }
}

/** A value for a message of one line. Of objects it says only what they are: a logger's fields belong in no message. */
function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' || typeof value === 'function') return typeName(value);
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const type = Array.isArray(value) ? 'array' : typeof value;
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}
