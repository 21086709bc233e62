/** @returns what is wrong with the value, and what to give; undefined if the value is allowed */
export type OptionRule = (value: unknown) => string | undefined;

function rule(allows: (value: unknown) => boolean, allowed: string): OptionRule {
  return (value) => (allows(value) ? undefined : `is ${format(value)}; give ${allowed}`);
}

export const aFunction = rule((value) => typeof value === 'function', 'a function');
export const aString = rule((value) => typeof value === 'string', 'a string');
export const anArray = rule(Array.isArray, 'an array');
export const anObject = rule((value) => typeof value === 'object' && value !== null, 'an object');
export const aBoolean = rule((value) => typeof value === 'boolean', 'true or false');

export function aWholeNumber(least: number, most: number): OptionRule {
  return rule(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    `a whole number from ${least} to ${most}`,
  );
}

/**
 * Checks what a caller in JavaScript may get wrong. An option that is undefined counts as left out.
 * @throws TypeError that names the option, and says what is allowed
 */
export function checkOptions(
  caller: string,
  options: object,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`${caller}: the options are ${format(options)}; give an object, or leave them out`);
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (check === undefined) {
      throw new TypeError(
        `${caller}: there is no option '${name}'; take one of ${Object.keys(rules).join(', ')}`,
      );
    }
    const complaint = value === undefined ? undefined : check(value);
    if (complaint !== undefined) throw new TypeError(`${caller}: '${name}' ${complaint}`);
  }
}

function format(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}
