// What npm needs of this machine to reach its registry, put into a root folder for a run.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const settings = ['registry', 'proxy', 'https-proxy', 'noproxy', 'audit'];
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** @returns {string} the value of a setting; empty if it has none */
function npmConfig(name) {
  const value = execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
  return value === 'null' || value === 'undefined' ? '' : value;
}

/**
 * @param {string} root  the root folder
 * @param {string} home  of the user, below it
 */
export function provideNetwork(root, home) {
  const lines = settings.map((name) => [name, npmConfig(name)]).filter(([, value]) => value !== '');
  writeFileSync(
    join(root, home, '.npmrc'),
    [...lines, ['cafile', certificates]].map((line) => `${line.join('=')}\n`).join(''),
  );
  const own = process.env.NODE_EXTRA_CA_CERTS || npmConfig('cafile') || certificates;
  const files = { '/etc/resolv.conf': '/etc/resolv.conf', '/etc/hosts': '/etc/hosts', [certificates]: own };
  for (const [file, source] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    if (existsSync(source)) copyFileSync(source, join(root, file));
  }
}
