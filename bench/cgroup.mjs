// A cgroup with 1 % of a processor, 1 ms of each 100. As root.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { until } from '../test/helpers/proc.mjs';

const one = { root: '/sys/fs/cgroup/cpu', file: 'cpu.cfs_quota_us', limit: '1000', none: '-1' };
const two = { root: '/sys/fs/cgroup', file: 'cpu.max', limit: '1000 100000', none: 'max 100000' };

/** @throws if there is no cpu controller, or it cannot be used */
export function makeCpuCgroup() {
  const { root, file, limit, none } = existsSync(one.root) ? one : two;
  const folder = `${root}/subreaper-bench`;
  mkdirSync(folder, { recursive: true });
  const write = (name, text) => writeFileSync(`${folder}/${name}`, text, { flag: 'r+' });
  write(file, limit);
  return {
    /** A process, and not the children that it has. */
    add: (pid) => write('cgroup.procs', `${pid}`),
    setLimited: (isLimited) => write(file, isLimited ? limit : none),
    async remove() {
      await until(() => readFileSync(`${folder}/cgroup.procs`, 'latin1') === '', 'the cgroup is empty');
      rmdirSync(folder);
    },
  };
}
