// vitest's reporter for test-run.mjs. What a test file has said while it runs stands in FOLDER/running; what failed, in
// FOLDER/failed.json: [{ file, test, message }].
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const folder = process.env.FILES_FOLDER;
const running = join(folder, 'running');
const logOf = (file) => join(running, `${file.replaceAll('/', '-')}.log`);
const messageOf = ({ message, stacks = [] }) =>
  [message, ...stacks.map(({ file, line }) => `    at ${relative(process.cwd(), file)}:${line}`)].join('\n');

export default class Files {
  #vitest;
  #running = new Set();

  onInit(vitest) {
    this.#vitest = vitest;
    mkdirSync(running, { recursive: true });
  }

  onTestModuleQueued({ relativeModuleId: file }) {
    this.#running.add(file);
    appendFileSync(logOf(file), '');
  }

  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    this.#say(
      test.module.relativeModuleId,
      [`${state} ${test.fullName}`, ...errors.map(messageOf)].join('\n'),
    );
  }

  onUserConsoleLog({ taskId, content }) {
    const file = this.#vitest.state.idMap.get(taskId)?.file;
    if (file !== undefined) this.#say(file.name, content.trimEnd());
  }

  onTestModuleEnd({ relativeModuleId: file }) {
    this.#running.delete(file);
    rmSync(logOf(file));
  }

  onTestRunEnd(modules, unhandled) {
    const failed = modules.flatMap((module) => {
      const file = module.relativeModuleId;
      const at = (test, errors) => errors.map((error) => ({ file, test, message: messageOf(error) }));
      return [
        ...at('', module.errors()),
        ...[...module.children.allSuites()].flatMap((suite) => at(suite.fullName, suite.errors())),
        ...[...module.children.allTests('failed')].flatMap((test) => at(test.fullName, test.result().errors)),
      ];
    });
    for (const file of this.#running) failed.push({ file, test: '', message: 'its process ended before it' });
    // The end of a worker is one of these as well, without the name of a file.
    for (const error of unhandled) {
      const { VITEST_TEST_PATH: path, VITEST_TEST_NAME: test = '' } = error;
      if (path) failed.push({ file: relative(process.cwd(), path), test, message: messageOf(error) });
      else if (failed.length === 0) failed.push({ file: '', test: '', message: messageOf(error) });
    }
    writeFileSync(join(folder, 'failed.json'), JSON.stringify(failed, undefined, 2));
  }

  #say(file, text) {
    if (this.#running.has(file)) appendFileSync(logOf(file), `${text}\n`);
  }
}
