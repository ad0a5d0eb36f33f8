import type { Tool } from './types.ts';

/** Shells whose redirections reach the network. */
export const shellNetTools: readonly Tool[] = [
  { id: 'bash-net', category: 'shell_net', names: [], grammar: 'shell' },
  { id: 'ksh-net', category: 'shell_net', names: [], grammar: 'shell' },
  { id: 'zsh-net', category: 'shell_net', names: [], grammar: 'shell' },
];

/**
 * Interpreters: tools only by their inline code, and only if it opens a connection. Their file names are
 * data of `program.ts`, since a name alone proves nothing here.
 */
export const interpreterNetTools: readonly Tool[] = [
  { id: 'python', category: 'interpreter_net', grammar: 'python-net', names: [] },
  { id: 'perl', category: 'interpreter_net', grammar: 'perl-net', names: [], mitre: ['T1059'] },
  { id: 'ruby', category: 'interpreter_net', grammar: 'ruby-net', names: [], mitre: ['T1059'] },
  { id: 'node', category: 'interpreter_net', grammar: 'node-net', names: [], mitre: ['T1059.007'] },
  { id: 'php', category: 'interpreter_net', grammar: 'php-net', names: [], mitre: ['T1059'] },
  { id: 'lua', category: 'interpreter_net', grammar: 'lua-net', names: [], mitre: ['T1059.011'] },
  { id: 'gawk', category: 'interpreter_net', grammar: 'gawk-net', names: [], mitre: ['T1059.004'] },
  { id: 'tclsh', category: 'interpreter_net', grammar: 'tclsh-net', names: [], mitre: ['T1059'] },
  {
    id: 'jrunscript',
    category: 'interpreter_net',
    grammar: 'jrunscript-net',
    names: [],
    mitre: ['T1059.007'],
  },
  { id: 'julia', category: 'interpreter_net', grammar: 'julia-net', names: [], mitre: ['T1059'] },
  { id: 'go', category: 'interpreter_net', names: [], mitre: ['T1059'] },
  { id: 'powershell', category: 'interpreter_net', names: [], mitre: ['T1059.001'] },
  {
    id: 'openssl',
    category: 'interpreter_net',
    names: ['openssl', 'libressl', 'openssl3', 'openssl11'],
    packages: ['openssl'],
    first_operand: ['s_client', 's_server', 's_time'],
    mitre: ['T1573.002', 'T1095'],
    points: 10,
  },
];
