import { expect, test } from 'vitest';
import { needs } from '../helpers/needs.ts';
import { CTRL_BACKSLASH, CTRL_C, CTRL_Z, expectStatus, type Terminal } from '../helpers/terminal.ts';
import { describeEngine, startContainerOnTerminal } from './containers.ts';

/** Counts the signals it gets, and prints the counts on Ctrl-\. */
const counter = `
  let interrupts = 0;
  process.on('SIGINT', () => console.log(\`interrupt \${++interrupts}\`));
  process.on('SIGQUIT', () => { console.log('interrupts: ' + interrupts); process.exit(9); });
  setInterval(() => {}, 1000);
  console.log('counting');`;

/** On Ctrl-C the terminal drops its input: what is typed before the shell reads again may be lost. */
const prompt = (terminal: Terminal) => terminal.shows(/[$#] $/);

describeEngine('docker run -it', () => {
  test('Ctrl-C reaches the job once, and the shell survives', needs('script'), async () => {
    const terminal = startContainerOnTerminal({
      options: ['--env', `COUNTER=${counter}`],
      command: ['bash', '--norc', '-i'],
    });
    await prompt(terminal);
    terminal.type('node -e "$COUNTER"\n');
    await terminal.shows(/counting\r\n/);
    terminal.type(CTRL_C);
    await terminal.shows(/interrupt 1\r\n/);
    terminal.type(CTRL_BACKSLASH);
    await terminal.shows(/interrupts: 1\r\n/);
    await prompt(terminal);
    await expectStatus(terminal, 9);
    await prompt(terminal);
    // It ends a job without a handler.
    terminal.type(`sh -c 'echo run""ning; exec sleep 1000'\n`);
    await terminal.shows(/running\r\n/);
    terminal.type(CTRL_C);
    await prompt(terminal);
    await expectStatus(terminal, 130);
    await prompt(terminal);
    terminal.type('exit 7\n');
    expect(await terminal.exit).toEqual({ code: 7, signal: null });
  });

  test('the shell has job control', needs('script'), async () => {
    const terminal = startContainerOnTerminal({ command: ['bash', '--norc', '-i'] });
    await prompt(terminal);
    // Only then has the shell set the terminal to echo what is typed.
    terminal.type(`sh -c 'echo run""ning; exec cat'\n`);
    await terminal.shows(/running\r\n/);
    terminal.type('it reads\n');
    await terminal.shows(/it reads\r\nit reads\r\n/);
    terminal.type(CTRL_Z);
    await terminal.shows(/Stopped/);
    await prompt(terminal);
    terminal.type('fg\n');
    await terminal.shows(/fg\r\n.*exec cat'\r\n/);
    terminal.type('and again\n');
    await terminal.shows(/and again\r\nand again\r\n/);
    terminal.type(CTRL_C);
    await prompt(terminal);
    await expectStatus(terminal, 130);
    await prompt(terminal);
    terminal.type('exit 0\n');
    expect(await terminal.exit).toEqual({ code: 0, signal: null });
  });

  test('Ctrl-C reaches an app once that is the workload itself', needs('script'), async () => {
    const terminal = startContainerOnTerminal({ command: ['node', '-e', counter] });
    await terminal.shows(/counting\r\n/);
    terminal.type(CTRL_C);
    await terminal.shows(/interrupt 1\r\n/);
    terminal.type(CTRL_BACKSLASH);
    await terminal.shows(/interrupts: 1\r\n/);
    expect(await terminal.exit).toEqual({ code: 9, signal: null });
  });

  test('an app that is its own init ends by Ctrl-C', needs('script'), async () => {
    const terminal = startContainerOnTerminal({
      entrypoint: 'node',
      command: [
        ...['--import', 'subreaper/register', '-e'],
        `setInterval(() => {}, 1000); console.log('ready')`,
      ],
    });
    await terminal.shows(/ready\r\n/);
    terminal.type(CTRL_C);
    expect(await terminal.exit).toEqual({ code: 130, signal: null });
  });
});
