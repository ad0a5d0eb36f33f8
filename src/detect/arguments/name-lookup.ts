/** host, nslookup, getent, resolvectl, nsupdate and the enumerators: other ways to ask for a name. */
import {
  type ArgumentContext,
  type ArgumentParser,
  emptyInvocation,
  type Invocation,
} from '../invocation.ts';
import { hostPeer, parsePeer } from '../peers.ts';
import { isRecordClass, recordType } from './dns-types.ts';
import { compileGrammar, hasOption, lastOption, readArguments } from './getopt.ts';
import { addRead, isDataDriven, markInert } from './support.ts';

function addQuery(invocation: Invocation, name: string, type: string): void {
  invocation.queries.push({ name, type, ...(isDataDriven(name) ? { data_driven: true } : {}) });
}

function typeOf(text: string | undefined, fallback: string): string {
  if (text === undefined) return fallback;
  return recordType(text) ?? text.toUpperCase().slice(0, 24);
}

const HOST = compileGrammar({ short: '46aACdhilrTUvVwc:N:R:t:W:m:p:' });

/** `host [options] name [server]`; toybox's host has a subset. */
export function parseHost(words: readonly string[], _context: ArgumentContext): Invocation {
  const read = readArguments(HOST, words);
  const invocation = emptyInvocation('host');
  invocation.leftover.push(...read.leftover, ...read.operands.slice(2));
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  if (hasOption(read, 'h') || words.includes('--help')) markInert(invocation, 'help');
  const [name, server] = read.operands;
  if (name === undefined) {
    markInert(invocation, 'no_operand');
    return invocation;
  }
  const implied = hasOption(read, 'l')
    ? 'AXFR'
    : hasOption(read, 'a')
      ? 'ANY'
      : hasOption(read, 'C')
        ? 'SOA'
        : 'A';
  addQuery(invocation, name, hasOption(read, 'l') ? 'AXFR' : typeOf(lastOption(read, 't')?.value, implied));
  if (server !== undefined) invocation.peers.push(hostPeer(server, lastOption(read, 'p')?.value, 'resolver'));
  return invocation;
}

const TYPE_OPTION = /^-(?:type|ty|querytype|query|qu|q|t)=(.*)$/is;
const PORT_OPTION = /^-(?:port|po)=(.*)$/is;

/** `nslookup [-option…] [name|-] [server]`; without a name it reads commands from standard input. */
export function parseNslookup(words: readonly string[], _context: ArgumentContext): Invocation {
  const invocation = emptyInvocation('nslookup');
  const operands: string[] = [];
  let type = 'A';
  let port: string | undefined;
  for (const word of words) {
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const typed = TYPE_OPTION.exec(word);
    if (typed) type = typeOf(typed[1], type);
    port = PORT_OPTION.exec(word)?.[1] ?? port;
    if (/^--?(?:version|v)$/i.test(word)) markInert(invocation, 'version');
    if (/^--?(?:help|h|\?)$/i.test(word)) markInert(invocation, 'help');
  }
  const [name, server, ...more] = operands;
  invocation.leftover.push(...more);
  if (name === undefined) markInert(invocation, 'no_operand');
  else if (name === '-') {
    invocation.hidden_targets.push('-');
    invocation.queries.push({ name: '-', type, data_driven: true });
  } else addQuery(invocation, name, type);
  if (server !== undefined) invocation.peers.push(hostPeer(server, port, 'resolver'));
  return invocation;
}

const GETENT = compileGrammar({
  short: 'is:h',
  long: 'service=s no-idn|i help|h usage|h version|V',
  permute: true,
});
const HOST_DATABASES = new Set(['hosts', 'ahosts', 'ahostsv4', 'ahostsv6']);

/** Only the host databases ask the network; the others list local facts. */
export function parseGetent(words: readonly string[], _context: ArgumentContext): Invocation {
  const read = readArguments(GETENT, words);
  const invocation = emptyInvocation('getent');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  const [database, ...keys] = read.operands;
  if (database === undefined) markInert(invocation, 'no_operand');
  else if (!HOST_DATABASES.has(database) || keys.length === 0) markInert(invocation, 'list');
  else for (const key of keys) addQuery(invocation, key, database === 'ahostsv6' ? 'AAAA' : 'A');
  return invocation;
}

const RESOLVECTL = compileGrammar({
  short: '46hi:p:t:c:',
  long: `interface=i protocol=p type=t class=c legend? json= raw? cname? synthesize? cache? validate?
    network? zone? trust-anchor? search? no-pager help|h version`,
});

/** `resolvectl query NAME…`; its other verbs show or change the local resolver. */
export function parseResolvectl(words: readonly string[], _context: ArgumentContext): Invocation {
  const read = readArguments(RESOLVECTL, words);
  const invocation = emptyInvocation('resolvectl');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'version')) markInert(invocation, 'version');
  const [verb, ...names] = read.operands;
  if (verb !== 'query' && verb !== 'service')
    markInert(invocation, verb === undefined ? 'no_operand' : 'list');
  else {
    const type = verb === 'service' ? 'SRV' : typeOf(lastOption(read, 't')?.value, 'A');
    for (const name of names) addQuery(invocation, name, type);
  }
  return invocation;
}

const NSUPDATE = compileGrammar({ short: '46CdDghiloPTvVM:k:L:p:r:R:t:u:x:y:' });

/** Dynamic updates: what is changed stands in a file or comes from standard input. */
export function parseNsupdate(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(NSUPDATE, words);
  const invocation = emptyInvocation('nsupdate');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  addRead(invocation, '-k', lastOption(read, 'k')?.value, context.cwd);
  if (hasOption(read, 'y')) invocation.credentials.push('-y');
  const [file] = read.operands;
  invocation.hidden_targets.push(file ?? 'stdin');
  addRead(invocation, 'file', file, context.cwd);
  return invocation;
}

const ENUMERATOR = compileGrammar({
  short: 'hvVd:D:l:r:t:f:n:w:s:o:x:',
  long: `domain=d dnsserver=s list=l resolver=r resolvers=r type=t dictionary=D wordlist=w range=r file=f
    threads= output=o xml=x help|h version|V silent json`,
  single_dash: true,
});

/** dnsrecon, dnsenum, fierce, dnsmap, dnsx, massdns: many names under one domain. */
export function enumeratorParser(tool: string): ArgumentParser {
  return (words, context) => {
    const read = readArguments(ENUMERATOR, words);
    const invocation = emptyInvocation(tool);
    if (hasOption(read, 'h')) markInert(invocation, 'help');
    if (hasOption(read, 'V') && words.length === 1) markInert(invocation, 'version');
    const names = read.operands.filter((word) => recordType(word) === undefined && !isRecordClass(word));
    const domain = lastOption(read, 'd')?.value;
    const type = typeOf(lastOption(read, 't')?.value, 'A');
    for (const name of [...(domain === undefined ? [] : [domain]), ...names]) {
      if (name.startsWith('@')) invocation.peers.push(parsePeer(name.slice(1), 'resolver'));
      else addQuery(invocation, name, type);
    }
    for (const option of read.options.filter(({ id }) => id === 'l' || id === 'D' || id === 'w')) {
      if (option.id === 'l') invocation.hidden_targets.push(option.text);
      addRead(invocation, option.text, option.value, context.cwd);
    }
    if (read.operands.length === 0 && read.options.length === 0) markInert(invocation, 'no_operand');
    else if (!invocation.inert) invocation.sweep = { text: domain ?? names[0] ?? words[0] ?? '' };
    return invocation;
  };
}
