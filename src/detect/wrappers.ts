import { words } from '../lib/words.ts';
/**
 * Programs that run another program given in their arguments, as data: which of their options take a value
 * decides where the wrapped command begins.
 */
export interface Wrapper {
  names: readonly string[];
  /** Short options whose value is the rest of the word or the next word. */
  values?: string;
  /** Long options whose value is the next word when it is not glued with `=`. */
  long_values?: readonly string[];
  /** Operands before the command. */
  skip?: number;
  /** `NAME=VALUE` words before the command are assignments. */
  assignments?: boolean;
  /** Options whose value is a string for a shell. */
  shell_options?: readonly string[];
  /** Option whose value is split into words and put in front of the rest (env -S). */
  split_options?: readonly string[];
  /** The command's arguments come from elsewhere (xargs, parallel). */
  data_driven?: boolean;
  /** The command stands behind this option only, up to `;` or `+` (find). */
  command_options?: readonly string[];
  /** All operands together are one string for a shell (watch). */
  joins?: boolean;
  /** Sends the command's connections through a proxy. */
  proxies?: boolean;
  /** The first operand becomes the root directory of the command. */
  new_root?: boolean;
  /** Runs the command only after `--` or one of these words. */
  after?: readonly string[];
  /** The option that names the program, whose arguments follow `--` (start-stop-daemon -x). */
  program_options?: readonly string[];
}

export const wrapperEntries: readonly Wrapper[] = [
  {
    names: ['timeout', 'gtimeout', 'timelimit'],
    values: 'kst',
    long_values: ['--kill-after', '--signal'],
    skip: 1,
  },
  {
    names: words(`
  nohup setsid catchsegv unbuffer chronic command builtin eatmydata fakeroot busybox-suid linux32
  linux64 i386 x86_64 uname26 ts errno pidproxy retry noglob
`),
  },
  { names: ['exec'], values: 'a' },
  { names: ['time'], values: 'fo', long_values: ['--format', '--output'] },
  { names: ['rlwrap'], values: 'bCfHpPsSwz' },
  {
    names: ['env', 'genv'],
    values: 'uCS',
    long_values: ['--unset', '--chdir', '--split-string'],
    assignments: true,
    split_options: ['-S', '--split-string'],
  },
  { names: ['nice'], values: 'n', long_values: ['--adjustment'] },
  { names: ['ionice'], values: 'cn', long_values: ['--class', '--classdata'] },
  { names: ['stdbuf'], values: 'ioe', long_values: ['--input', '--output', '--error'] },
  {
    names: ['chrt'],
    values: 'TPD',
    long_values: ['--sched-runtime', '--sched-period', '--sched-deadline'],
    skip: 1,
  },
  { names: ['taskset'], skip: 1 },
  {
    names: ['numactl'],
    values: 'CcNmpi',
    long_values: ['--cpunodebind', '--membind', '--physcpubind', '--interleave', '--preferred'],
  },
  { names: ['prlimit', 'choom'], values: 'n', long_values: ['--adjust'] },
  { names: ['cpulimit'], values: 'lpPe', long_values: ['--limit'] },
  { names: ['setarch', 'runcon', 'cgexec', 'faketime'], values: 'gtur', skip: 1 },
  {
    names: ['xargs', 'gxargs'],
    values: 'IELnPsda',
    long_values: [
      '--arg-file',
      '--delimiter',
      '--max-args',
      '--max-procs',
      '--max-chars',
      '--replace-str',
      '--process-slot-var',
    ],
    data_driven: true,
  },
  {
    names: ['parallel', 'sem', 'rush'],
    values: 'jJaNnLPSCI',
    long_values: [
      '--jobs',
      '--arg-file',
      '--colsep',
      '--delay',
      '--retries',
      '--joblog',
      '--timeout',
      '--max-args',
      '--results',
      '--sshlogin',
      '--load',
    ],
    data_driven: true,
  },
  {
    names: ['chroot', 'arch-chroot'],
    long_values: ['--userspec', '--groups'],
    values: 'ugG',
    skip: 1,
    new_root: true,
  },
  {
    names: ['unshare'],
    values: 'SGRw',
    long_values: [
      '--setuid',
      '--setgid',
      '--root',
      '--wd',
      '--propagation',
      '--setgroups',
      '--map-user',
      '--map-group',
    ],
  },
  { names: ['nsenter'], values: 'tSGrwW', long_values: ['--target', '--setuid', '--setgid', '--wdns'] },
  {
    names: ['sudo', 'doas', 'sudo-rs'],
    values: 'ughpCTrtUDRa',
    long_values: [
      '--user',
      '--group',
      '--host',
      '--prompt',
      '--close-from',
      '--chdir',
      '--chroot',
      '--role',
      '--type',
      '--other-user',
      '--command-timeout',
    ],
    assignments: true,
  },
  {
    names: [
      'gosu',
      'su-exec',
      'setuidgid',
      's6-setuidgid',
      'envuidgid',
      's6-envuidgid',
      'envdir',
      's6-envdir',
      'setlock',
      's6-setlock',
      'pgrphack',
    ],
    skip: 1,
  },
  { names: ['chpst', 's6-applyuidgid', 'softlimit', 's6-softlimit'], values: 'uUbemnldofcrpstagG/' },
  {
    names: ['setpriv'],
    long_values: [
      '--reuid',
      '--regid',
      '--groups',
      '--inh-caps',
      '--ambient-caps',
      '--bounding-set',
      '--securebits',
      '--pdeathsig',
      '--selinux-label',
      '--apparmor-profile',
    ],
  },
  {
    names: ['runuser'],
    values: 'ugGsw',
    long_values: ['--user', '--group', '--supp-group', '--shell', '--session-command'],
    shell_options: ['-c', '--command', '--session-command'],
  },
  {
    names: ['su'],
    values: 'gGsw',
    long_values: ['--shell', '--group', '--supp-group'],
    shell_options: ['-c', '--command', '--session-command'],
    skip: 99,
  },
  { names: ['capsh'], after: ['--', '=='] },
  {
    names: ['flock'],
    values: 'wE',
    long_values: ['--timeout', '--wait', '--conflict-exit-code'],
    shell_options: ['-c', '--command'],
    skip: 1,
  },
  { names: ['strace', 'ltrace'], values: 'eopEIPsSubOXaAl' },
  { names: ['gdb', 'lldb'], after: ['--args', '--'] },
  { names: ['valgrind', 'heaptrack'] },
  { names: ['perf'], after: ['--'] },
  {
    names: [
      'tini',
      'tini-static',
      'docker-init',
      'dumb-init',
      'catatonit',
      'pid1',
      'my_init',
      'init-wrapper',
      'yelp-init',
    ],
    values: 'per',
    long_values: ['--rewrite'],
  },
  { names: ['s6-pause', 'with-contenv', 's6-fghack', 's6-background', 'execlineb'], values: '' },
  {
    names: ['find', 'gfind', 'fd', 'fdfind'],
    command_options: ['-exec', '-execdir', '-ok', '-okdir', '--exec', '--exec-batch', '-x', '-X'],
  },
  { names: ['watch'], values: 'nq', long_values: ['--interval', '--equexit'], joins: true },
  {
    names: ['script'],
    values: 'EILOTBom',
    shell_options: ['-c', '--command'],
    long_values: ['--echo', '--log-in', '--log-out', '--log-io', '--log-timing', '--output-limit'],
    skip: 99,
  },
  { names: ['proxychains', 'proxychains3', 'proxychains4', 'proxychains-ng'], values: 'f', proxies: true },
  {
    names: ['torsocks', 'torify', 'tsocks', 'graftcp', 'usewithtor'],
    values: 'aPup',
    long_values: ['--address', '--port'],
    proxies: true,
  },
  {
    names: [
      'firejail',
      'bwrap',
      'proot',
      'systemd-inhibit',
      'dbus-run-session',
      'xvfb-run',
      'nsjail',
      'minijail0',
    ],
    values: 'rbwnse',
    long_values: [
      '--bind',
      '--ro-bind',
      '--dev',
      '--proc',
      '--tmpfs',
      '--chdir',
      '--server-args',
      '--server-num',
      '--setenv',
      '--dev-bind',
      '--symlink',
    ],
  },
  {
    names: ['systemd-run'],
    values: 'uptHMGE',
    long_values: words(`
  --unit --property --uid --gid --nice --working-directory --setenv --description --slice --on-calendar
  --on-active --machine --host --service-type
`),
  },
  {
    names: ['start-stop-daemon'],
    program_options: ['-x', '-a', '--exec', '--startas'],
    values: 'xapnucgrdNPIkm',
    long_values: [
      '--exec',
      '--startas',
      '--pidfile',
      '--name',
      '--user',
      '--chuid',
      '--group',
      '--chroot',
      '--chdir',
      '--nicelevel',
      '--retry',
      '--signal',
      '--output',
    ],
  },
  { names: ['daemonize', 'daemon'], values: 'acepolEuv' },
  { names: ['screen'], values: 'cesShtTpX' },
  { names: ['sshpass'], values: 'fdpPe' },
  { names: ['wait-for-it', 'wait-for-it.sh', 'wait-for'], after: ['--'] },
  { names: ['dockerize'], after: ['--'] },
  { names: ['argoexec'], after: ['--'] },
];

const byName = new Map<string, Wrapper>();
for (const entry of wrapperEntries) for (const name of entry.names) byName.set(name, entry);

/** The wrapper of that file name. */
export function wrapperNamed(name: string): Wrapper | undefined {
  return byName.get(name);
}

/** What a wrapper runs. */
export type Wrapped =
  | { kind: 'command'; words: string[]; data_driven?: boolean; new_root?: string }
  | { kind: 'shell_string'; text: string; index: number };

/** Finds what the wrapper's arguments run; undefined if they run nothing. */
export function unwrap(wrapper: Wrapper, words: readonly string[]): Wrapped | undefined {
  if (wrapper.command_options) return findCommand(wrapper, words);
  if (wrapper.after) return commandAfter(wrapper.after, words);
  if (wrapper.program_options) return programOption(wrapper, words);
  return prefixed(wrapper, words);
}

function prefixed(wrapper: Wrapper, words: readonly string[]): Wrapped | undefined {
  let skip = wrapper.skip ?? 0;
  let root: string | undefined;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') {
      i++;
      while (skip-- > 0 && i < words.length && wrapper.skip !== 99) i++;
      return i < words.length ? command(wrapper, words, i, root) : undefined;
    }
    if (word.length > 1 && word.startsWith('-')) {
      const option = optionAt(wrapper, words, i);
      if (option.shell !== undefined)
        return { kind: 'shell_string', text: option.shell, index: option.next - 1 };
      if (option.split !== undefined) {
        const rest = [...option.split.split(/\s+/).filter(Boolean), ...words.slice(option.next)];
        return prefixed({ ...wrapper, split_options: [] }, rest);
      }
      i = option.next - 1;
      continue;
    }
    if (wrapper.assignments && /^[A-Za-z_][A-Za-z0-9_]*=/.test(word)) continue;
    if (skip > 0) {
      if (wrapper.new_root && root === undefined) root = word;
      skip--;
      continue;
    }
    return command(wrapper, words, i, root);
  }
  return undefined;
}

function command(wrapper: Wrapper, words: readonly string[], start: number, root?: string): Wrapped {
  if (wrapper.joins) return { kind: 'shell_string', text: words.slice(start).join(' '), index: start };
  let end = words.length;
  if (wrapper.data_driven) {
    const marker = words.findIndex((word, i) => i > start && /^:::?:?\+?$/.test(word));
    if (marker > 0) end = marker;
  }
  return {
    kind: 'command',
    words: words.slice(start, end),
    ...(wrapper.data_driven ? { data_driven: true } : {}),
    ...(root === undefined ? {} : { new_root: root }),
  };
}

interface OptionReading {
  /** Index of the word behind the option and its value. */
  next: number;
  shell?: string;
  split?: string;
}

function optionAt(wrapper: Wrapper, words: readonly string[], at: number): OptionReading {
  const word = words[at]!;
  if (word.startsWith('--')) return longOption(wrapper, words, at, word);
  for (let i = 1; i < word.length; i++) {
    const flag = `-${word[i]}`;
    const isShell = wrapper.shell_options?.includes(flag);
    const isSplit = wrapper.split_options?.includes(flag);
    if (!isShell && !isSplit && !wrapper.values?.includes(word[i]!)) continue;
    const glued = word.slice(i + 1);
    const value = glued !== '' ? glued : words[at + 1];
    const next = glued !== '' ? at + 1 : at + 2;
    if (isShell && value !== undefined) return { next, shell: value };
    if (isSplit && value !== undefined) return { next, split: value };
    return { next };
  }
  return { next: at + 1 };
}

function longOption(wrapper: Wrapper, words: readonly string[], at: number, word: string): OptionReading {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const takesValue =
    wrapper.long_values?.includes(name) ||
    wrapper.shell_options?.includes(name) ||
    wrapper.split_options?.includes(name);
  if (!takesValue) return { next: at + 1 };
  const value = equals < 0 ? words[at + 1] : word.slice(equals + 1);
  const next = equals < 0 ? at + 2 : at + 1;
  if (value !== undefined && wrapper.shell_options?.includes(name)) return { next, shell: value };
  if (value !== undefined && wrapper.split_options?.includes(name)) return { next, split: value };
  return { next };
}

function findCommand(wrapper: Wrapper, words: readonly string[]): Wrapped | undefined {
  const start = words.findIndex((word) => wrapper.command_options!.includes(word));
  if (start < 0 || start + 1 >= words.length) return undefined;
  const rest = words.slice(start + 1);
  const end = rest.findIndex((word, i) => i > 0 && (word === ';' || word === '+' || word === '\\;'));
  return { kind: 'command', words: end < 0 ? rest : rest.slice(0, end) };
}

function commandAfter(markers: readonly string[], words: readonly string[]): Wrapped | undefined {
  const at = words.findIndex((word) => markers.includes(word));
  return at < 0 || at + 1 >= words.length ? undefined : { kind: 'command', words: words.slice(at + 1) };
}

function programOption(wrapper: Wrapper, words: readonly string[]): Wrapped | undefined {
  const at = words.findIndex((word) => wrapper.program_options!.includes(word));
  const program = words[at + 1];
  if (at < 0 || program === undefined) return undefined;
  const dashes = words.indexOf('--');
  return { kind: 'command', words: [program, ...(dashes < 0 ? [] : words.slice(dashes + 1))] };
}
