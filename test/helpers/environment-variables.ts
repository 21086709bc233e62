/** What becomes of a variable on its way through init. The workload gets each of them unchanged. */
type Outcome =
  /** The launcher gives it another name, which node does not know. */
  | 'hidden'
  /** init's node has it, and does nothing with it. */
  | 'idle'
  /** It acts on init. */
  | 'acts';

export interface Row {
  readonly names: readonly string[];
  /** What it is for, in words: what init would do with it. */
  readonly effect: string;
  readonly outcome: Outcome;
  /** Why it is idle, or acts. */
  readonly why?: string;
  /** What a test sets it to. FOLDER is an empty folder, which must stay empty; FILE a module that writes into it. */
  readonly value: string;
}

/** node, V8, libuv, OpenSSL and ICU: those that node 20 to 26 asks for while init lives, and those of its manual. */
export const ofNode: readonly Row[] = [
  {
    names: ['NODE_OPTIONS'],
    effect: 'options: --require loads code, --inspect opens a debugger',
    outcome: 'hidden',
    value: '--require FILE',
  },
  {
    names: ['NODE_PATH'],
    effect: 'where node finds a module that is missing from node_modules',
    outcome: 'hidden',
    value: 'FOLDER',
  },
  {
    names: ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'],
    effect: 'opens an IPC channel on an inherited descriptor',
    outcome: 'hidden',
    value: '99',
  },
  {
    names: ['NODE_UNIQUE_ID'],
    effect: 'loads node:cluster, and makes init a worker of it',
    outcome: 'hidden',
    value: '1',
  },
  {
    names: ['NODE_V8_COVERAGE'],
    effect: 'writes coverage files',
    outcome: 'hidden',
    value: 'FOLDER',
  },
  {
    names: ['NODE_COMPILE_CACHE'],
    effect: 'writes compiled code, and runs what it finds there',
    outcome: 'hidden',
    value: 'FOLDER',
  },
  {
    names: ['NODE_COMPILE_CACHE_PORTABLE', 'NODE_COMPILE_CACHE_READONLY', 'NODE_DISABLE_COMPILE_CACHE'],
    effect: 'how NODE_COMPILE_CACHE works',
    outcome: 'idle',
    why: 'there is no cache',
    value: '1',
  },
  {
    names: ['NODE_REDIRECT_WARNINGS'],
    effect: 'writes warnings to a file',
    outcome: 'hidden',
    value: 'FOLDER/warnings',
  },
  {
    names: ['NODE_PENDING_DEPRECATION'],
    effect: 'prints more warnings',
    outcome: 'hidden',
    value: '1',
  },
  {
    names: ['NODE_DEBUG', 'NODE_DEBUG_NATIVE'],
    effect: 'prints what node does',
    outcome: 'hidden',
    value: '*,module,MODULE_CJS_LOADER',
  },
  {
    names: ['NODE_PRESERVE_SYMLINKS', 'NODE_PRESERVE_SYMLINKS_MAIN'],
    effect: 'changes where node finds init itself',
    outcome: 'hidden',
    value: '1',
  },
  {
    names: ['NODE_EXTRA_CA_CERTS', 'SSLKEYLOGFILE', 'NODE_USE_SYSTEM_CA', 'NODE_USE_ENV_PROXY'],
    effect: 'TLS and proxies: files that are read or written, modules that are loaded',
    outcome: 'hidden',
    value: 'FOLDER/tls',
  },
  {
    names: ['OPENSSL_CONF'],
    effect: 'a configuration that may load a library',
    outcome: 'hidden',
    value: 'FOLDER/openssl.cnf',
  },
  {
    names: ['NODE_ICU_DATA', 'ICU_TIMEZONE_FILES_DIR'],
    effect: 'data files: node exits if the first is wrong',
    outcome: 'hidden',
    value: 'FOLDER/icu',
  },
  {
    names: ['SIMDUTF_FORCE_IMPLEMENTATION', 'SIMDJSON_FORCE_IMPLEMENTATION'],
    effect: 'how text is decoded and JSON is parsed: node 26 exits on an unknown name',
    outcome: 'hidden',
    value: 'none',
  },
  {
    names: ['UV_USE_IO_URING'],
    effect: 'has libuv use io_uring(7), with a kernel thread for each loop',
    outcome: 'hidden',
    value: '1',
  },
  {
    names: ['UV_THREADPOOL_SIZE'],
    effect: 'the threads for work beside the loop',
    outcome: 'idle',
    why: 'init has no such work, so none is started',
    value: '64',
  },
  {
    names: ['HOME'],
    effect: 'node looks for a module in $HOME/.node_modules that is missing from node_modules',
    outcome: 'acts',
    why: 'only if pino or koffi is missing from the installation; a `node` that is a script (asdf, volta) needs it',
    value: 'FOLDER',
  },
  {
    names: ['WATCH_REPORT_DEPENDENCIES'],
    effect: 'tells a watching parent which files are loaded',
    outcome: 'idle',
    why: 'init has no IPC channel',
    value: '1',
  },
  {
    names: ['NODE_NO_WARNINGS'],
    effect: 'silences the warnings of node',
    outcome: 'acts',
    why: 'init causes none; its own log is not one of them',
    value: '1',
  },
  {
    names: ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'TERM', 'COLORTERM'],
    effect: 'colours',
    outcome: 'idle',
    why: 'init prints none',
    value: '1',
  },
  {
    names: ['TZ', 'LANG', 'LC_ALL', 'LC_MESSAGES', 'LANGUAGE'],
    effect: 'time zone and language',
    outcome: 'idle',
    why: 'init’s words have one language, and its times are UTC',
    value: 'C',
  },
  {
    names: ['OPENSSL_ia32cap', 'DEBUG_ASYNC'],
    effect: 'tuning and debugging of libraries: which instructions OpenSSL uses, koffi’s threads',
    outcome: 'idle',
    why: 'init uses none of that',
    value: '0',
  },
  {
    names: [
      'SSL_CERT_FILE',
      'SSL_CERT_DIR',
      'OPENSSL_MODULES',
      'OPENSSL_ENGINES',
      'NODE_TLS_REJECT_UNAUTHORIZED',
    ],
    effect: 'TLS, providers of OpenSSL',
    outcome: 'idle',
    why: 'init makes no connection, and no configuration asks for a provider',
    value: 'FOLDER',
  },
  {
    names: ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
    effect: 'proxies',
    outcome: 'idle',
    why: 'init makes no connection',
    value: 'http://127.0.0.1:9',
  },
  {
    names: [
      'NODE_REPL_HISTORY',
      'NODE_REPL_HISTORY_SIZE',
      'NODE_REPL_EXTERNAL_MODULE',
      'NODE_REPL_MODE',
      'NODE_NO_READLINE',
    ],
    effect: 'the REPL',
    outcome: 'idle',
    why: 'init has no REPL',
    value: 'FOLDER/repl',
  },
  {
    names: [
      'NODE_TEST_CONTEXT',
      'NODE_TEST_WORKER_ID',
      'NODE_CLUSTER_SCHED_POLICY',
      'NODE_SKIP_PLATFORM_CHECK',
      'NODE_PENDING_PIPE_INSTANCES',
      'NODE_INSPECT_RESUME_ON_START',
    ],
    effect: 'the test runner, node:cluster, Windows, node inspect',
    outcome: 'idle',
    why: 'init has nothing to do with them',
    value: '1',
  },
];

/** The shell that runs the launcher: dash, busybox, bash, a Korn shell. It ends when it becomes node. */
export const ofTheShell: readonly Row[] = [
  {
    names: ['PATH'],
    effect: 'where node, cat and base64 are found, and the workload',
    outcome: 'acts',
    why: 'that is what it is for',
    value: '',
  },
  {
    names: ['ENV'],
    effect: 'a script that an interactive shell runs first',
    outcome: 'idle',
    why: 'the launcher’s shell is not interactive',
    value: 'FILE',
  },
  {
    names: ['IFS', 'CDPATH', 'MAILPATH', 'PS1', 'PS2', 'OPTIND', 'LINENO'],
    effect: 'how words are split, where cd looks, prompts',
    outcome: 'idle',
    why: 'shells do not take IFS from the environment; the launcher does not use the others',
    value: '0',
  },
  {
    names: ['PWD', 'OLDPWD', 'SHLVL'],
    effect: 'the shell’s own state, which it may correct',
    outcome: 'idle',
    why: 'the workload gets them from the kernel, as they were',
    value: '7',
  },
  {
    names: ['SHELLOPTS'],
    effect: 'options of bash: xtrace prints every command with its values',
    outcome: 'acts',
    why: 'the launcher’s first command switches off all that matter, but noexec: then bash runs nothing; xtrace has printed the names in / by then',
    value: 'noglob:nounset:errexit',
  },
  {
    names: ['PS4', 'BASH_XTRACEFD'],
    effect: 'what bash prints before each command under xtrace, and where',
    outcome: 'acts',
    why: 'only with xtrace in SHELLOPTS, before the launcher’s first command; bash runs commands in PS4, but not as root',
    value: '2',
  },
  {
    names: ['BASHOPTS', 'BASH_COMPAT', 'POSIXLY_CORRECT'],
    effect: 'how bash behaves',
    outcome: 'acts',
    why: 'the launcher works with each of them',
    value: '5.0',
  },
  {
    names: ['GLOBIGNORE', 'EXECIGNORE', 'TMOUT', 'FUNCNEST', 'FPATH', 'TMPDIR'],
    effect: 'limits and folders of bash and the Korn shells',
    outcome: 'idle',
    why: 'nothing of the launcher depends on them',
    value: '1',
  },
];

/** ld.so(8), mallopt(3) and the rest of the C library. */
export const ofTheLinker: readonly Row[] = [
  {
    names: ['LD_PRELOAD', 'LD_AUDIT'],
    effect: 'loads a library into every program',
    outcome: 'acts',
    why: 'it is in the launcher’s shell before the first command; no program can prevent it',
    value: '',
  },
  {
    names: ['LD_LIBRARY_PATH'],
    effect: 'where libraries are found',
    outcome: 'acts',
    why: 'as above; and node may need it',
    value: 'FOLDER',
  },
  {
    names: [
      'LD_BIND_NOW',
      'LD_BIND_NOT',
      'LD_DYNAMIC_WEAK',
      'LD_HWCAP_MASK',
      'LD_ORIGIN_PATH',
      'LD_POINTER_GUARD',
      'LD_WARN',
      'LD_VERBOSE',
    ],
    effect: 'how libraries are bound',
    outcome: 'acts',
    why: 'as above',
    value: '',
  },
  {
    names: ['GLIBC_TUNABLES'],
    effect: 'tuning of glibc',
    outcome: 'acts',
    why: 'as above',
    value: 'glibc.malloc.arena_max=1',
  },
  {
    names: [
      'MALLOC_ARENA_MAX',
      'MALLOC_ARENA_TEST',
      'MALLOC_CHECK_',
      'MALLOC_MMAP_MAX_',
      'MALLOC_MMAP_THRESHOLD_',
      'MALLOC_PERTURB_',
      'MALLOC_TOP_PAD_',
      'MALLOC_TRIM_THRESHOLD_',
    ],
    effect: 'tuning of malloc(3)',
    outcome: 'acts',
    why: 'as above',
    value: '1',
  },
  {
    names: [
      'LOCPATH',
      'NLSPATH',
      'GCONV_PATH',
      'RES_OPTIONS',
      'LOCALDOMAIN',
      'HOSTALIASES',
      'RESOLV_HOST_CONF',
      'TZDIR',
      'GETCONF_DIR',
    ],
    effect: 'locales, character sets, names of hosts',
    outcome: 'idle',
    why: 'init uses none of that',
    value: 'FOLDER',
  },
];

/** subreaper's own variables: all that bin/subreaper and src name. NAME stands for any name. */
export interface OwnRow extends Omit<Row, 'outcome'> {
  readonly outcome: 'acts' | 'idle';
  readonly isPassedOn: boolean;
}

const fromParent = 'only if SUBREAPER_PARENT is the pid of init’s parent, and so never in PID 1';

export const ofSubreaper: readonly OwnRow[] = [
  {
    names: ['SUBREAPER_OPTIONS'],
    effect: 'options that come before those of the command line',
    outcome: 'acts',
    why: 'that is what it is for',
    isPassedOn: false,
    value: '--log-level warn',
  },
  {
    names: ['SUBREAPER_PARENT'],
    effect: 'the pid of the process that starts init',
    outcome: 'acts',
    why: 'with `--until-owner` and `--parent-death-signal`, if that process has ended before init could look',
    isPassedOn: false,
    value: '4194304',
  },
  {
    names: ['SUBREAPER_NODE'],
    effect: 'the node that the launcher becomes, from `spawnBound`',
    outcome: 'acts',
    why: fromParent,
    isPassedOn: false,
    value: '/bin/false',
  },
  {
    names: ['SUBREAPER_ARGV0'],
    effect: 'the workload’s argv[0], from `spawnBound`',
    outcome: 'acts',
    why: fromParent,
    isPassedOn: false,
    value: 'other',
  },
  {
    names: ['SUBREAPER_STREAMS'],
    effect: 'the descriptors that the workload gets, from `spawnBound`',
    outcome: 'idle',
    why: 'init needs it on other systems than Linux only',
    isPassedOn: false,
    value: '9',
  },
  {
    names: ['SUBREAPER_TREE'],
    effect: 'on macOS, what the processes below the workload are found by: init appends to it there',
    outcome: 'idle',
    why: 'init needs it on other systems than Linux only',
    isPassedOn: true,
    value: 'other',
  },
  {
    names: ['SUBREAPER_LAUNCHER', 'SUBREAPER_ENVIRON', 'SUBREAPER_SAVED', 'SUBREAPER_SAVED_NAME'],
    effect: 'what the launcher tells init',
    outcome: 'idle',
    why: 'the launcher sets them anew, and without the launcher init does not read them',
    isPassedOn: false,
    value: '1 1 ffff ffff 9 9 9 9',
  },
  {
    names: [
      'SUBREAPER_BLOCKED',
      'SUBREAPER_CHILD',
      'SUBREAPER_DESCRIPTORS',
      'SUBREAPER_FLAGS',
      'SUBREAPER_IGNORED',
      'SUBREAPER_KEY',
      'SUBREAPER_LIMIT',
      'SUBREAPER_PIPE',
      'SUBREAPER_VALUE',
    ],
    effect: 'the launcher’s own memory',
    outcome: 'idle',
    why: 'it sets them before it reads them',
    isPassedOn: true,
    value: '2000000',
  },
];

/** Those of tini and dumb-init. */
export const ofDialects: readonly Row[] = [
  {
    names: ['TINI_SUBREAPER', 'TINI_KILL_PROCESS_GROUP'],
    effect: 'the same as -s and -g',
    outcome: 'acts',
    why: 'where subreaper is tini',
    value: '',
  },
  {
    names: ['TINI_VERBOSITY', 'DUMB_INIT_DEBUG'],
    effect: 'how much init says',
    outcome: 'acts',
    why: 'where subreaper is tini, or dumb-init',
    value: '1',
  },
  {
    names: ['DUMB_INIT_SETSID'],
    effect: '0 is the same as -c',
    outcome: 'acts',
    why: 'where subreaper is dumb-init',
    value: '0',
  },
];

/** sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3), systemd.exec(5). */
export const ofServiceManagers: readonly Row[] = [
  {
    names: ['LISTEN_PID'],
    effect: 'the process that takes the sockets',
    outcome: 'acts',
    why: 'if it is init’s pid, the workload gets its own pid there, by way of `/bin/sh`',
    value: '1',
  },
  {
    names: [
      'LISTEN_FDS',
      'LISTEN_FDNAMES',
      'LISTEN_PIDFDID',
      'NOTIFY_SOCKET',
      'WATCHDOG_PID',
      'WATCHDOG_USEC',
      'MAINPID',
      'JOURNAL_STREAM',
    ],
    effect: 'sockets to take, and to tell of a start, of life and of the log',
    outcome: 'idle',
    why: 'init takes no socket, and tells nobody',
    value: 'FOLDER/socket',
  },
];

export const tables = [...ofNode, ...ofTheShell, ...ofTheLinker, ...ofServiceManagers, ...ofDialects];
