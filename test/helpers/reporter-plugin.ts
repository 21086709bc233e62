import type { Plugin } from 'vitest/config';
import type { Reporter } from 'vitest/node';

/** vitest's plugin that adds a reporter of the project's own, whatever reporters the command line names. */
export function withReporter(name: string, reporter: Reporter): Plugin {
  return {
    name,
    configureVitest({ project, vitest }) {
      // Each project calls this.
      if (project === vitest.projects[0]) vitest.config.reporters.push(reporter);
    },
  };
}
