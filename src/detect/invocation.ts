import type { PeerClass } from '../model/finding.ts';

/**
 * What a tool's arguments mean, whatever the tool: the one type between the argument parsers
 * (`arguments/*.ts`, which know dialects and option grammars) and the indicators (`indicators/*.ts`, which
 * know what is suspicious). Parsers state facts and judge nothing.
 */

/**
 * Where a peer lies:
 * - `loopback`  this network namespace: 127/8 in any spelling, ::1, localhost, 0.0.0.0 and :: as destination
 * - `any`       0.0.0.0, ::, * or no address, where the tool listens: reachable by everyone
 * - `internal`  private and shared address ranges, single-label names, *.svc, *.cluster.local, *.internal, *.local
 * - `metadata`  a cloud's metadata service, in any spelling
 * - `public_ip` any other IP literal; `public_name` any other name
 * - `unix`      a unix socket's path
 * - `unknown`   not there to see: a variable, standard input, a file
 */
export type { PeerClass } from '../model/finding.ts';

export interface Peer {
  /** As it stands in the arguments. */
  text: string;
  /** What the tool does with it. */
  role: 'connect' | 'listen' | 'proxy' | 'resolver';
  class: PeerClass;
  /** Lower case, without brackets, userinfo and trailing dot; IP literals in canonical spelling. */
  host?: string;
  port?: string;
  scheme?: string;
  /** Path and query of a URL, or the path of a unix socket. */
  path?: string;
  /** What is asked of a unix socket: the path and query of the URL sent over it. */
  request_path?: string;
}

/** A program that the tool attaches to a connection or runs for its own sake. */
export interface AttachedProgram {
  /** The option or address type that asks for it: `-e`, `--sh-exec`, `EXEC`. */
  option: string;
  /** The command as written. */
  program: string;
  /** False for helpers that merely run (`--use-askpass`, rsync's `-e`, ssh's ProxyCommand). */
  on_socket: boolean;
}

/** Something that leaves the container. */
export interface Upload {
  option: string;
  /** `file`: content of `path`; `stdin`: whatever is piped in; `inline`: command output or a variable in the arguments. */
  what: 'file' | 'stdin' | 'inline';
  /** Absolute where the cwd is known. */
  path?: string;
}

/** Something that is written into the container. */
export interface Download {
  option: string;
  /** Absolute where the cwd is known; a directory ends with `/`. Never `-` or /dev/null: these are no downloads. */
  path: string;
  url?: string;
}

/** One query of a DNS tool. */
export interface DnsQuery {
  name: string;
  /** Upper case; `A` where none is given. */
  type: string;
  /** The name is not in the arguments: a batch file, standard input, `{}` of xargs, a variable. */
  data_driven?: boolean;
}

export interface Invocation {
  /** Canonical tool id. */
  tool: string;
  /** The arguments only ask for help, the version or a listing, or name nothing to work on: nothing happens. */
  inert?: 'help' | 'version' | 'no_operand' | 'list';
  peers: Peer[];
  /** Options that send the traffic elsewhere than the peers say: proxies, --resolve, jump hosts. */
  redirects: { option: string; value: string }[];
  attached: AttachedProgram[];
  /** Present if the tool waits for connections. */
  listen?: { address: string; port?: string; persistent?: boolean };
  /** Several ports, a range, or several hosts are tried. */
  sweep?: { text: string };
  uploads: Upload[];
  downloads: Download[];
  /** The transfer's content goes to standard output. */
  to_stdout?: boolean;
  /** Targets that stand in a file or come from standard input: the option that says so. */
  hidden_targets: string[];
  /** Files the tool reads as key, configuration, header or cookie. */
  reads: { option: string; path: string }[];
  queries: DnsQuery[];
  /** Port forwards and tunnels: the option and its text. */
  forwards: { option: string; text: string }[];
  /** Host key or certificate checks are switched off, by which option. */
  unchecked: string[];
  /** A request that changes something: PUT, POST, DELETE, with its HTTP method. */
  method?: string;
  /** Header lines as given; for credentials redaction and runtime APIs. */
  headers: string[];
  /** A command that is run on the far side (ssh host CMD). */
  remote_command?: string;
  /** Credentials in the arguments: the option only, never the value. */
  credentials: string[];
  /** Serves files or a shell to whoever connects (http.server, php -S, telnetd). */
  serves?: 'files' | 'shell';
  /** Words no option grammar could place; a reason to trust the rest less. */
  leftover: string[];
  /** The dialect the arguments were read as, for tools that have several; `union` where it cannot be told. */
  dialect?: string;
  /** Only asks whether a port answers and sends nothing (`nc -z`, `wget --spider`, `curl -I`). */
  probe_only?: boolean;
  /** Files written beside downloads: captures, logs, cookie jars, dumped headers. */
  writes: { option: string; path: string }[];
  /** A sniffer's traffic comes from a file (`tcpdump -r`), not from an interface. */
  offline?: boolean;
  /** What the text given to an interpreter does. */
  code?: InlineCode;
}

/** What inline code does as far as its text shows; found by patterns, so a hint about code that hides, proof about code that does not. */
export interface InlineCode {
  language: string;
  /** Opens a connection, a listener or a URL. */
  opens_socket: boolean;
  /** Wires a shell or a program to what it opened. */
  attaches_shell: boolean;
  /** Fetches something. */
  downloads: boolean;
  /** Runs what it fetched (`exec(urlopen(…).read())`). */
  executes_download: boolean;
  /** Waits for connections. */
  serves: boolean;
  /** Sends the content of a file, of the environment or of a command. */
  uploads: boolean;
  /** Holds encoded text that was decoded and read as well (one level). */
  decoded: boolean;
  /** Runs text that it decodes or builds at run time: what it does cannot be seen. */
  obscured: boolean;
  /** Starts programs, connection or not. */
  runs_program: boolean;
  /** Command lines it gives to a shell, as written in the code; what they do is for the shell parser. */
  commands: string[];
}

/** Nothing known yet. */
export function emptyInvocation(tool: string): Invocation {
  return {
    tool,
    peers: [],
    redirects: [],
    attached: [],
    uploads: [],
    downloads: [],
    hidden_targets: [],
    reads: [],
    queries: [],
    forwards: [],
    unchecked: [],
    headers: [],
    credentials: [],
    leftover: [],
    writes: [],
  };
}

/** What a parser may look at beside the words. */
export interface ArgumentContext {
  /** Where relative paths lead; absent when unknown. */
  cwd?: string;
  /** The name it was started by, which may choose the dialect (`nc.openbsd`, an applet of busybox). */
  invoked_as: string;
  /** The multi-call program behind the name, if there is one. */
  multi_call?: 'busybox' | 'toybox';
}

/**
 * Reads a tool's arguments (argv without argv[0], wrappers already taken off). Total: any list of strings
 * gives an Invocation, in time linear in its length.
 */
export type ArgumentParser = (words: readonly string[], context: ArgumentContext) => Invocation;
