import type { Option } from '../../src/cli/options.ts';

/** All options are as old as the first release. */
const FIRST_VERSION = '0.1.0';
/** Change it with the text. */
const DATE = 'December 1, 2026';
const LONGEST_LINE = 78;

/** man/subreaper.1, in mdoc(7): made from the option table. */
export function manualPage(options: readonly Option[]): string {
  return `.\\" Made from the option table of src/cli/options.ts by npm run docs.
.Dd ${DATE}
.Dt SUBREAPER 1
.Os
.Sh NAME
.Nm subreaper
.Nd container init and subreaper supervisor
.Sh SYNOPSIS
.Nm
.Op Ar options
.Op Fl -
.Ar command
.Op Ar arguments ...
.Nm
.Cm doctor
.Op Fl -json
.Op Oo Fl - Oc Ar command
.Nm
.Cm prepare
.Sh DESCRIPTION
.Nm
starts the command in a process group of its own, forwards every signal that
it can catch to that group, reaps every orphan that it adopts, and ends with
the exit status of the command.
It is made to be process 1 of a container.
Anywhere else it becomes a child subreaper, see
.Xr prctl 2 .
.Pp
When the command ends, the processes that it leaves running get SIGTERM and,
after the grace time, SIGKILL.
No process outlives
.Nm .
.Pp
The command gets the same environment, open descriptors, ignored and blocked
signals, limits, umask and working directory as without
.Nm .
On a terminal it becomes the foreground process group.
.Pp
.Nm
.Cm doctor
reports what this container offers an init.
With a command, which it does not run, it also says whether a stop signal would
reach that.
.Pp
.Nm
.Cm prepare
writes what V8 compiles for a start beside the program, for the next starts
with the same node.
It is for the build of an image.
.Sh OPTIONS
Options end at the first operand or at
.Fl - .
A later option overrides an earlier one.
.Pp
A signal is written as SIGTERM, TERM, 15 or RTMIN+3.
A duration is written as 500ms, 10s or 2m; a bare number is seconds.
Stop signals are TERM, INT and QUIT, after rewriting.
.Bl -tag -width Ds
${options.map(item).join('\n')}
.El
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev SUBREAPER_OPTIONS
Options, separated by white space, that are read before the arguments.
They change an image's options without a new entry point.
The command does not get the variable.
.It Ev PATH
Where to find
.Xr node 1 ,
and the command if its name has no slash.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa /dev/termination-log
If it exists, it gets one line that says why the run failed.
.Fl -termination-log
names another file.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It the command's
It exited.
With
.Fl -restart ,
in its last run.
.It 128+N
Signal N ended the command.
With
.Fl -until-owner ,
that signal then ends
.Nm
itself.
.It 127
The command was not found.
.It 126
The command was found but cannot be run.
.It 125
Wrong usage, or a failure of
.Nm
itself.
.El
.Pp
Every error is one line on standard error: what, why, what to do.
.Sh EXAMPLES
As the entry point of an image:
.Pp
.Dl ENTRYPOINT [\\(dq/app/node_modules/subreaper/bin/subreaper\\(dq, \\(dq\\-\\-\\(dq]
.Pp
SIGKILL everything if the command is still running ten seconds after a stop
signal:
.Pp
.Dl $ subreaper --stop-timeout 10s \\-\\- node server.js
.Pp
Leave no process behind after a test run:
.Pp
.Dl $ subreaper \\-\\- npm test
.Sh SEE ALSO
.Xr node 1 ,
.Xr prctl 2 ,
.Xr wait 2 ,
.Xr signal 7
.Pp
The docs folder of the package has a page for each task.
`;
}

function item(option: Option): string {
  const names = [option.short, option.long]
    .filter((name) => name !== undefined)
    .map((name) => `Fl ${name.slice(1)}`);
  const value = option.value === undefined ? '' : ` Ar ${escaped(option.value)}`;
  const sentence = `${option.help.charAt(0).toUpperCase()}${option.help.slice(1)}.`;
  const since = `Since ${FIRST_VERSION}.`;
  return [`.It ${names.join(' , ')}${value}`, ...folded(escaped(sentence)), since].join('\n');
}

/** mandoc wants lines of at most 80 bytes. */
function folded(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < LONGEST_LINE)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Text for roff, which reads backslashes as escapes. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\e');
}
