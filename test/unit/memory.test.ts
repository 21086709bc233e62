import { expect, test } from 'vitest';
import { unchangedFileMappings } from '../../src/native/memory.ts';

/** An entry of /proc/pid/smaps, proc_pid_smaps(5), with the lines that matter. */
const mapping = (range: string, rest: string, { resident = 4, anonymous = 0, swap = 0 } = {}) =>
  [
    `${range} ${rest}`,
    'Size:                  4 kB',
    `Rss:            ${`${resident}`.padStart(8)} kB`,
    `Anonymous:      ${`${anonymous}`.padStart(8)} kB`,
    `Swap:           ${`${swap}`.padStart(8)} kB`,
    'VmFlags: rd mr mw me',
    '',
  ].join('\n');

const found = (text: string) =>
  unchangedFileMappings(Buffer.from(text, 'latin1')).map(({ address, size }) => [
    Number(address),
    Number(size),
  ]);

test('gives back the pages of files that nobody has changed', () => {
  const text = [
    mapping('1000-3000', 'r--p 00000000 fe:00 12   /usr/bin/node'),
    mapping('3000-4000', 'r-xp 00002000 fe:00 12   /usr/bin/node'),
    mapping('4000-5000', 'r--p 00003000 fe:00 12   /usr/bin/node', { anonymous: 4 }),
    mapping('5000-6000', 'r--p 00003000 fe:00 12   /usr/bin/node', { swap: 100 }),
    mapping('6000-7000', 'rw-p 00003000 fe:00 12   /usr/bin/node'),
    mapping('7000-8000', 'r--s 00003000 fe:00 12   /usr/lib/locale'),
    mapping('8000-9000', 'r--p 00000000 00:00 0 '),
    mapping('9000-a000', 'r-xp 00000000 00:00 0    [vdso]'),
    mapping('7f0000000000-7f0000001000', 'r-xp 00000000 fe:00 13   /lib/libc.so.6 (deleted)'),
  ].join('');
  expect(found(text)).toEqual([
    [0x1000, 0x2000],
    [0x3000, 0x1000],
    [0x7f0000000000, 0x1000],
  ]);
});

test('gives back nothing where a value is not shown', () => {
  const whole = mapping('1000-3000', 'r--p 00000000 fe:00 12   /usr/bin/node');
  for (const name of ['Rss', 'Anonymous', 'Swap'])
    expect(found(whole.replace(new RegExp(`^${name}:.*\\n`, 'm'), '')), name).toEqual([]);
});

test('gives back nothing where no page is resident: qemu-user counts no pages, changed or not', () => {
  expect(found(mapping('1000-3000', 'r--p 00000000 fe:00 12   /usr/bin/node', { resident: 0 }))).toEqual([]);
});

test('of a text that is cut anywhere, takes the mappings that are whole', () => {
  const text = mapping('1000-3000', 'r--p 0 fe:00 12 /a') + mapping('3000-4000', 'r-xp 0 fe:00 12 /b');
  for (let length = 0; length < text.length; length++) {
    const whole = length < text.indexOf('3000-4000') ? 0 : 1;
    expect(found(text.slice(0, length)), `${length} bytes`).toHaveLength(whole);
  }
  expect(found(text)).toHaveLength(2);
});
