import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query(1) fills it in
const FORMAT = '${Package} ${db:Status-Status}\n';
/** policy-rc.d(8) of invoke-rc.d: whether a package may start its service. */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs Debian packages, as root where CI is set. Elsewhere one line names those that are missing: the tests that need
 * them are left out, as they say at the end of their run.
 * @param {readonly string[]} packages
 */
export function install(packages) {
  const missing = missingOf(packages);
  if (missing.length === 0) return;
  if (!process.env.CI || process.getuid?.() !== 0) {
    const line = `some tests are left out, for want of ${missing.join(', ')}; as root: apt-get install ${missing.join(' ')}`;
    console.error(`subreaper: ${line}`);
    return;
  }
  // nginx and cron are for tests, which start their own: no service of the machine's.
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const aptGet = (...args) => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      return (
        spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
      );
    };
    // A mirror that is away must not look like a failed test.
    if (!aptGet('update') || !aptGet('install', '--no-install-recommends', ...missing))
      console.error(`subreaper: not all of ${missing.join(', ')} could be installed`);
  } finally {
    if (isOurs) rmSync(POLICY);
  }
}

/** None on a system without dpkg(1). */
function missingOf(packages) {
  if (packages.length === 0) return [];
  const { error, stdout } = spawnSync('dpkg-query', ['--show', '--showformat', FORMAT, ...packages], {
    encoding: 'utf8',
  });
  if (error !== undefined) return [];
  const installed = new Set(stdout.split('\n'));
  return packages.filter((name) => !installed.has(`${name} installed`));
}
