import { options } from './options.ts';

/** The text of --help: made from the option table. */
export function helpText(): string {
  const rows = options.map((option) => {
    const names = [option.short ?? '  ', option.long]
      .filter((name) => name !== undefined)
      .join(option.short ? ', ' : '  ');
    return [option.value === undefined ? names : `${names} ${option.value}`, option.help] as const;
  });
  const width = Math.max(...rows.map(([names]) => names.length));
  return `Usage: subreaper [options] [--] command [arguments]
       subreaper doctor [--json] [[--] command]
       subreaper prepare

Runs the command as a container's init: forwards signals to it, reaps every orphan, and
exits with its status. doctor reports what the container offers an init. prepare, when an
image is built, makes the starts in its containers faster.

Options:
${rows.map(([names, help]) => `  ${names.padEnd(width)}  ${help}`).join('\n')}

Signals: SIGTERM, TERM, 15 or RTMIN+3. Durations: 500ms, 10s or 2m; a bare number is
seconds. The environment variable SUBREAPER_OPTIONS holds options that are read first.

Exit status: the command's; 128+N if signal N ended it; 127 not found; 126 found but not
runnable; 125 wrong usage, or a failure of subreaper itself.
`;
}
