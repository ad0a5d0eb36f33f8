/** dig and what speaks its language: kdig, delv, drill, dog, doggo, q. */
import {
  type ArgumentContext,
  type ArgumentParser,
  emptyInvocation,
  type Invocation,
} from '../invocation.ts';
import { parsePeer } from '../peers.ts';
import { isRecordClass, recordType } from './dns-types.ts';
import { type CompiledGrammar, compileGrammar, readArguments } from './getopt.ts';
import { addRead, isDataDriven, markInert } from './support.ts';

interface DigDialect {
  tool: string;
  grammar: CompiledGrammar;
  /** Option ids and what their value is. */
  name: string[];
  type: string[];
  server: string[];
  batch: string[];
  reverse: string[];
  key_file: string[];
  key: string[];
  version: string[];
  help: string[];
}

const NONE = {
  name: [],
  type: [],
  server: [],
  batch: [],
  reverse: [],
  key_file: [],
  key: [],
  version: [],
  help: [],
};

const DIALECTS: Record<string, DigDialect> = {
  dig: {
    ...NONE,
    tool: 'dig',
    grammar: compileGrammar({ short: '46himruvb:c:f:k:p:q:t:x:y:', plus: true }),
    name: ['q'],
    type: ['t'],
    batch: ['f'],
    reverse: ['x'],
    key_file: ['k'],
    key: ['y'],
    version: ['v'],
    help: ['h'],
  },
  kdig: {
    ...NONE,
    tool: 'kdig',
    grammar: compileGrammar({ short: '46dhVb:c:E:G:k:p:q:t:x:y:', long: 'help|h version|V', plus: true }),
    name: ['q'],
    type: ['t'],
    reverse: ['x'],
    key_file: ['k'],
    key: ['y'],
    version: ['V'],
    help: ['h'],
  },
  delv: {
    ...NONE,
    tool: 'delv',
    grammar: compileGrammar({ short: '46himva:b:c:d:p:q:t:x:', plus: true }),
    name: ['q'],
    type: ['t'],
    reverse: ['x'],
    key_file: ['a'],
    version: ['v'],
    help: ['h'],
  },
  drill: {
    ...NONE,
    tool: 'drill',
    grammar: compileGrammar({ short: '46aDhsSTtuQvxzb:c:d:f:i:I:k:o:p:q:r:V:w:y:' }),
    batch: ['f'],
    key_file: ['k'],
    key: ['y'],
    version: ['v'],
    help: ['h'],
  },
  dog: {
    ...NONE,
    tool: 'dog',
    grammar: compileGrammar({
      short: '1hvVJSUTHq:t:n:c:',
      long: `query=q type=t nameserver=n class= txid= edns= udp|U tcp|T tls|S https|H short|1 json|J color=
        seconds time help|h version|v`,
    }),
    name: ['q'],
    type: ['t'],
    server: ['n'],
    version: ['v'],
    help: ['h'],
  },
};

/** Go programs with flags of their own: `doggo -q NAME -t TYPE -n SERVER`, q's `--qname`. */
DIALECTS.doggo = {
  ...DIALECTS.dog!,
  tool: 'doggo',
  grammar: compileGrammar({
    short: '46hrvJq:t:n:c:x:',
    long: `query=q type=t nameserver=n class=c reverse=x json|J short time color debug help|h version|v
      search ndots= timeout= strategy= tls-hostname= skip-hostname-verification any ipv4|4 ipv6|6`,
  }),
  reverse: ['x'],
};
DIALECTS.q = {
  ...DIALECTS.dog!,
  tool: 'q',
  grammar: compileGrammar({
    short: 'hVvdixrq:t:s:c:',
    long: `qname=q server=s type=t reverse|x dnssec|d nsid chaos class=c odoh-proxy= timeout= pad
      http2 http3 id-check reuse-conn txt-concat= help|h verbose|v version|V tls-skip-verify|i`,
  }),
  server: ['s'],
  version: ['V'],
};

interface State {
  invocation: Invocation;
  dialect: DigDialect;
  /** Of the query being read; the next name starts a new one. */
  current: { name: string; type: string } | undefined;
  pending_type: string | undefined;
}

function addName(state: State, name: string, type?: string): void {
  const current = { name, type: type ?? state.pending_type ?? 'A' };
  state.pending_type = undefined;
  state.current = current;
  const driven = isDataDriven(name) ? { data_driven: true } : {};
  state.invocation.queries.push({ ...current, ...driven });
}

function setType(state: State, type: string): void {
  const last = state.invocation.queries.at(-1);
  if (state.current && last) last.type = type;
  else state.pending_type = type;
}

/** `@server`, with a scheme (`@tls://…`) or without. */
function addServer(state: State, server: string): void {
  const text = server.startsWith('@') ? server.slice(1) : server;
  const peer = parsePeer(text.replace('#', ':'), 'resolver');
  state.invocation.peers.push({ ...peer, text: server });
}

function readOperand(state: State, word: string): void {
  const type = recordType(word);
  if (word.startsWith('@') && word.length > 1) addServer(state, word);
  else if (type !== undefined) setType(state, type);
  else if (!isRecordClass(word)) addName(state, word);
}

interface Option {
  id: string;
  text: string;
  value?: string;
}

function readOption(state: State, option: Option, context: ArgumentContext): void {
  const { dialect, invocation } = state;
  const { id, value } = option;
  if (dialect.version.includes(id)) markInert(invocation, 'version');
  if (dialect.help.includes(id)) markInert(invocation, 'help');
  if (value === undefined) return;
  if (dialect.name.includes(id)) addName(state, value);
  if (dialect.reverse.includes(id)) addName(state, value, 'PTR');
  if (dialect.type.includes(id)) setType(state, recordType(value) ?? value.toUpperCase().slice(0, 24));
  if (dialect.server.includes(id)) addServer(state, value);
  if (dialect.key_file.includes(id)) addRead(invocation, option.text, value, context.cwd);
  if (dialect.key.includes(id)) invocation.credentials.push(option.text);
  if (!dialect.batch.includes(id)) return;
  invocation.hidden_targets.push(option.text);
  addRead(invocation, option.text, value, context.cwd);
  invocation.queries.push({ name: value, type: 'A', data_driven: true });
}

/** Reads a dig-like tool's arguments; bare words are types, classes and names in any order. */
export function digParser(id: keyof typeof DIALECTS & string): ArgumentParser {
  const dialect = DIALECTS[id]!;
  return (words, context) => {
    const read = readArguments(dialect.grammar, words);
    const invocation = emptyInvocation(dialect.tool);
    invocation.leftover.push(...read.leftover);
    const state: State = { invocation, dialect, current: undefined, pending_type: undefined };
    let operand = 0;
    let option = 0;
    while (operand < read.operands.length || option < read.options.length) {
      const operandAt = read.operand_at[operand] ?? Number.POSITIVE_INFINITY;
      const optionAt = read.options[option]?.at ?? Number.POSITIVE_INFINITY;
      if (operandAt < optionAt) readOperand(state, read.operands[operand++]!);
      else readOption(state, read.options[option++]!, context);
    }
    if (words.includes('--help') || words.includes('--version')) markInert(invocation, 'help');
    if (invocation.queries.length === 0 && invocation.peers.length === 0) {
      if (state.pending_type === undefined) markInert(invocation, 'no_operand');
    }
    if (state.pending_type !== undefined) invocation.queries.push({ name: '.', type: state.pending_type });
    return invocation;
  };
}
