/** Takes a step that may fail. @returns what it threw, undefined if it did not */
export function attempt(step: () => void): Error | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
