/**
 * Runs what node loads before the app, with --import or --require. If it cannot work, the app must not start as if it did.
 * The user needs no stack trace for that.
 */
export function orExit(step: () => void): void {
  try {
    step();
  } catch (error) {
    process.stderr.write(`subreaper: ${(error as Error).message.split('\n')[0]}\n`);
    process.exit(125);
  }
}
