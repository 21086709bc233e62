import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { statusField } from '../helpers/proc.ts';
import { describeEngine, runContainer, startContainer, untilOnly } from './containers.ts';

const ownPackage = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));

interface Installed {
  readonly version?: string;
  readonly problems?: readonly string[];
  readonly dependencies?: Readonly<Record<string, Installed>>;
}

describeEngine('the image that a user builds', () => {
  test('runs subreaper as PID 1, and the workload as its child', async () => {
    const container = await startContainer({ command: ['sh', '-c', 'echo "$PPID"; exec sleep 1000'] });
    expect(await container.nextLine()).toBe('1');
    // Its pids in every namespace that it is in. The last is its own view.
    expect(statusField(container.pid, 'NSpid').split('\t').at(-1)).toBe('1');
    await untilOnly(container, ['subreaper', 'sleep']);
    expect((await container.logs()).stderr).toBe('');
  });

  test('holds the package and what it needs at run time, nothing else', async () => {
    const { stdout } = await runContainer({ entrypoint: 'npm', command: ['ls', '--all', '--json'] });
    const tree = JSON.parse(stdout) as Installed;
    // npm ls reports missing packages, and packages that nothing depends on.
    expect(tree.problems).toBeUndefined();
    expect(Object.keys(installed(tree))).toEqual(['subreaper']);
    const { subreaper } = tree.dependencies as { subreaper: Installed };
    expect(subreaper.version).toBe(ownPackage.version);
    const names = Object.keys(installed(subreaper)).sort();
    expect(names).toEqual(Object.keys(ownPackage.dependencies).sort());
    const folders = await runContainer({
      entrypoint: 'sh',
      command: ['-c', 'find /app -name package.json -path "*/node_modules/*" -not -path "*/dist/*" | sort'],
    });
    const present = new Set(
      folders.stdout
        .split('\n')
        .map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(file)?.[1])
        .filter((name) => name !== undefined),
    );
    expect([...present].filter((name) => name in ownPackage.devDependencies)).toEqual([]);
    expect([...present].filter((name) => !namesOf(tree).has(name))).toEqual([]);
  });

  test('needs nothing of what is not packed', async () => {
    const script = 'cd /app/node_modules/subreaper && ls -A';
    const { stdout } = await runContainer({ entrypoint: 'sh', command: ['-c', script] });
    const files = stdout.trim().split('\n');
    expect(files).toEqual(expect.arrayContaining(['bin', 'dist', 'package.json']));
    for (const absent of ['src', 'test', 'website', 'node_modules', 'build.mjs'])
      expect(files).not.toContain(absent);
  });
});

/** Without optional peers that are not installed: npm lists them as empty objects. */
function installed({ dependencies = {} }: Installed): Record<string, Installed> {
  return Object.fromEntries(Object.entries(dependencies).filter(([, { version }]) => version !== undefined));
}

function namesOf(tree: Installed): Set<string> {
  return new Set(Object.entries(installed(tree)).flatMap(([name, below]) => [name, ...namesOf(below)]));
}
