// TypeScript checks callers in TypeScript. These checks are for the others, and for values that come from elsewhere: the
// `pid` of a child whose spawn failed is undefined.

/** @returns what is wrong with the value, and what to give; undefined if the value is allowed */
export type Rule = (value: unknown) => string | undefined;

/** A duration may be as long as a timer of node's: 2^31 - 1 ms, some 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** @param allowed what to give instead, in words */
export function rule(allows: (value: unknown) => boolean, allowed: string): Rule {
  return (value) => (allows(value) ? undefined : `is ${describe(value)}; pass ${allowed}`);
}

export const aFunction = rule((value) => typeof value === 'function', 'a function');
export const aString = rule((value) => typeof value === 'string', 'a string');
export const anObject = rule((value) => typeof value === 'object' && value !== null, 'an object');
export const aBoolean = rule((value) => typeof value === 'boolean', 'true or false');

/** For the arguments of a command, which may hold secrets: it names only the type of a value. */
export const anArray: Rule = (value) =>
  Array.isArray(value) ? undefined : `is ${typeName(value)}; pass an array`;

/** The pid of another process, or of this one: 0 and negative numbers mean process groups to kill(2). */
export const aPid: Rule = (value) => {
  if (Number.isSafeInteger(value) && Number(value) > 0) return undefined;
  const why = value === undefined ? ', as it is after a failed spawn' : '';
  return `is ${describe(value)}${why}; pass a pid, a whole number from 1`;
};

export const milliseconds = rule(
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
 * Options as `spawn` of node:child_process reads them. Each is read once, so what was checked is what is used. They are the
 * object's own: code that an attacker makes write to Object.prototype (prototype pollution) gives no options.
 * @returns a copy without a prototype
 */
export function ownOptions<Options extends object>(options: Options): Options {
  return Object.assign(Object.create(null), options);
}

/**
 * Reads a function's options, as ownOptions does, and checks them. An option that is undefined counts as left out.
 * @throws TypeError that names the function, the option, its value and what to give
 */
export function readOptions<Options extends object>(
  caller: string,
  options: Options | undefined,
  rules: Readonly<Record<keyof Options, Rule>>,
): Options {
  if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) {
    throw new TypeError(`${caller}: the options are ${describe(options)}; pass an object, or leave them out`);
  }
  const own = ownOptions(options ?? ({} as Options));
  for (const [name, value] of Object.entries(own)) {
    const check = Object.hasOwn(rules, name) ? rules[name as keyof Options] : undefined;
    if (check === undefined) {
      throw new TypeError(
        `${caller}: there is no option '${name}'; use one of ${Object.keys(rules).join(', ')}`,
      );
    }
    if (value !== undefined) checkArgument(caller, name, value, check);
  }
  return own;
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
