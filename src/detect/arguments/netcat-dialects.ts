/**
 * The netcats, as data. The same letter means different things in them: `-c` a command, TLS or "close on end",
 * `-L` a persistent listener or a tunnel, `-p` the port to listen on or the one to come from.
 */
import type { ArgumentContext } from '../invocation.ts';
import { type CompiledGrammar, compileGrammar, type Grammar } from './getopt.ts';

/** The netcats in the field; `union` when it is not known which. */
export type NetcatDialect =
  | 'traditional'
  | 'openbsd'
  | 'libressl'
  | 'busybox'
  | 'toybox'
  | 'gnu'
  | 'nc6'
  | 'union';

/** In what the netcats differ for us. */
export interface NetcatTraits {
  grammar: CompiledGrammar;
  /** Options whose value is a program put on the connection. */
  exec: string[];
  /** Options that are such only if the value looks like a command. */
  maybe_exec: string[];
  /** `-L` without a value: listens again and again. */
  big_l_listens: boolean;
  /** Operands of a listener are a command (toybox). */
  operands_command: boolean;
  /** `-p` names the listening port, operands the allowed peer; else operands name where to listen. */
  proxy: boolean;
}

const GNU_LONG = `close|c debug|d exec=e gateway=g pointer=G help|h interval=i listen|l tunnel=L dont-resolve|n
  output=o local-port=p tunnel-port=P randomize|r source=s tunnel-source=S tcp|t telnet|T udp|u verbose|v
  version|V hexdump|x wait=w zero|z`;

const NC6_LONG = `bind= buffer-size= continuous disable-nagle exec=e half-close help|h hold-timeout=q
  idle-timeout=t listen|l local-port=p mtu= nru= recv-only send-only rev-transfer transfer x X address=s
  timeout=w udp|u verbose|v version`;

const GRAMMARS: Record<NetcatDialect, Grammar> = {
  traditional: { short: 'bhklnrtuvzCac:e:g:G:i:o:O:p:P:q:s:T:w:' },
  openbsd: { short: '46bCDdFhklNnrStUuvZzI:i:M:m:O:P:p:q:s:T:V:W:w:X:x:' },
  libressl: { short: '46bcDdFhklNnrStUuvzC:e:H:I:i:K:M:m:O:o:P:p:q:R:s:T:V:W:w:X:x:Z:' },
  busybox: { short: 'hklnuvze*i:o:p:s:w:' },
  toybox: { short: '46tElLUnvzuf:p:q:s:W:w:', permute: false },
  gnu: { short: 'cdhlnrtTuvVxze:g:G:i:L:o:p:P:s:S:w:', long: GNU_LONG },
  nc6: { short: '46hnluvxXe:b:p:q:s:t:w:', long: NC6_LONG },
  union: {
    short: '46abcCdDEFhkKlnNrStUuvzZLe:f:g:G:H:I:i:M:m:o:O:p:P:q:R:s:T:V:W:w:X:x:',
    long: `${GNU_LONG} sh-exec= keep-open|k`,
  },
};

const TRAITS: Record<NetcatDialect, Partial<NetcatTraits>> = {
  traditional: { exec: ['e', 'c'] },
  openbsd: { exec: [], proxy: true },
  libressl: { exec: [], proxy: true },
  busybox: { exec: ['e'] },
  toybox: { exec: [], big_l_listens: true, operands_command: true },
  gnu: { exec: ['e'] },
  nc6: { exec: ['e'] },
  union: {
    exec: ['e', 'sh-exec'],
    maybe_exec: ['c'],
    big_l_listens: true,
    operands_command: true,
    proxy: true,
  },
};

function traitsOf(dialect: NetcatDialect): NetcatTraits {
  return {
    grammar: compileGrammar(GRAMMARS[dialect]),
    exec: [],
    maybe_exec: [],
    big_l_listens: false,
    operands_command: false,
    proxy: false,
    ...TRAITS[dialect],
  };
}

export const NETCAT_TRAITS: Record<NetcatDialect, NetcatTraits> = {
  traditional: traitsOf('traditional'),
  openbsd: traitsOf('openbsd'),
  libressl: traitsOf('libressl'),
  busybox: traitsOf('busybox'),
  toybox: traitsOf('toybox'),
  gnu: traitsOf('gnu'),
  nc6: traitsOf('nc6'),
  union: traitsOf('union'),
};

/** The dialect by the name it was started by; `union` where the name is every netcat's. */
export function netcatDialect(context: ArgumentContext): NetcatDialect {
  if (context.multi_call) return context.multi_call;
  const name = context.invoked_as.slice(context.invoked_as.lastIndexOf('/') + 1);
  if (name.endsWith('.openbsd')) return 'openbsd';
  if (name.endsWith('.traditional')) return 'traditional';
  if (name === 'nc6' || name === 'netcat6') return 'nc6';
  return 'union';
}
