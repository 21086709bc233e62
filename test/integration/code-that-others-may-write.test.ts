import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../helpers/needs.ts';
import { runInit } from '../helpers/run-init.ts';

const root = resolve(import.meta.dirname, '../..');
const USER = 1000;

/** A package and its dependencies, as npm installs them. */
function withDependencies(name: string, all = new Set<string>()): Set<string> {
  if (all.has(name)) return all;
  all.add(name);
  const { dependencies } = JSON.parse(readFileSync(`${root}/node_modules/${name}/package.json`, 'utf8'));
  for (const dependency of Object.keys(dependencies ?? {})) withDependencies(dependency, all);
  return all;
}

describe('a workload of another user than root', needs('root', 'util-linux'), () => {
  let folder: string;
  const app = () => join(folder, 'app');
  const package_ = () => `${app()}/node_modules/subreaper`;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'writable-code-'));
    chmodSync(folder, 0o755);
    const copy = (from: string, to: string) => cpSync(from, to, { recursive: true, dereference: true });
    for (const part of ['bin', 'dist', 'package.json']) copy(`${root}/${part}`, `${package_()}/${part}`);
    for (const name of [...withDependencies('pino'), 'koffi', `@koromix/koffi-linux-${process.arch}`]) {
      copy(`${root}/node_modules/${name}`, `${app()}/node_modules/${name}`);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['the folder of node_modules', () => chownSync(app(), USER, USER)],
    ['all files', () => execFileSync('chown', ['-R', `${USER}:${USER}`, app()])],
  ])('that owns %s puts no code into init', async (_, giveAway) => {
    giveAway();
    const evidence = join(folder, 'evidence');
    const code = `require("node:fs").writeFileSync("${evidence}", "")`;
    // It puts its own copy in their place, which it may write to.
    const script = `
        cd '${app()}' && mv node_modules before && cp -R before node_modules &&
        for file in subreaper/dist/explanations.cjs pino/pino.js; do
          echo ';${code}' >>node_modules/$file || exit 99
        done
        kill -SEGV $$`;
    const user = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
    const {
      signal,
      code: status,
      stderr,
    } = await runInit({
      launch: [`${package_()}/bin/subreaper`],
      command: [...user, 'sh', '-c', script],
    });
    rmSync(`${app()}/node_modules`, { recursive: true });
    execFileSync('mv', [`${app()}/before`, `${app()}/node_modules`]);
    expect({ signal, status }).toEqual({ signal: null, status: 139 });
    expect(stderr).toMatch(/^\{"level":40,.*"msg":"the workload .*SIGSEGV/);
    expect(existsSync(evidence)).toBe(false);
  });
});
