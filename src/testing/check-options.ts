/** The values that an option allows, and their description. */
export interface OptionRule {
  readonly allows: (value: unknown) => boolean;
  readonly says: string;
}

export const aFunction: OptionRule = { allows: (value) => typeof value === 'function', says: 'a function' };
export const aString: OptionRule = { allows: (value) => typeof value === 'string', says: 'a string' };
export const anArray: OptionRule = { allows: Array.isArray, says: 'an array' };
export const anObject: OptionRule = {
  allows: (value) => typeof value === 'object' && value !== null,
  says: 'an object',
};
export const aBoolean: OptionRule = { allows: (value) => typeof value === 'boolean', says: 'true or false' };

export function aWholeNumber(least: number, most: number): OptionRule {
  return {
    allows: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    says: `a whole number from ${least} to ${most}`,
  };
}

/** @throws TypeError that names the option, and the values that it allows */
export function checkOptions(
  caller: string,
  options: object,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`${caller}: the options are ${format(options)}; give an object, or leave them out`);
  }
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      throw new TypeError(
        `${caller}: there is no option '${name}'; take one of ${Object.keys(rules).join(', ')}`,
      );
    }
    if (value !== undefined && !rule.allows(value)) {
      throw new TypeError(`${caller}: '${name}' is ${format(value)}; give ${rule.says}`);
    }
  }
}

function format(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}
