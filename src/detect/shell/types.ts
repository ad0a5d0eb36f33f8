/** What a shell string says, as far as it can be told without running it. */

export interface ShellWord {
  /** Quotes and escapes undone. What only the running shell knows stays as written: `$HOST`, `$(cat x)`. */
  text: string;
  /** A part of it was quoted or escaped. */
  quoted: boolean;
  /** Holds a variable, a substitution or an arithmetic expression whose value is not in the string. */
  has_unknown: boolean;
  /** An unquoted `*`, `?` or `[`: the shell may put file names here. */
  glob: boolean;
}

export type RedirectionOperator =
  | '<'
  | '>'
  | '>>'
  | '>|'
  | '<>'
  | '<&'
  | '>&'
  | '&>'
  | '&>>'
  | '<<'
  | '<<-'
  | '<<<';

export interface Redirection {
  operator: RedirectionOperator;
  /** The descriptor that is redirected, the operator's default where none is written; -1 for `{name}>`. */
  fd: number;
  /** File, descriptor (`1`, `-`), text of a here-string, or body of a here-document. */
  target: ShellWord;
  /** Written at an enclosing group, loop or subshell. */
  inherited?: true;
}

export interface Assignment {
  name: string;
  value: ShellWord;
}

export interface ShellLoop {
  kind: 'while' | 'until' | 'for';
  /** `for NAME`. */
  variable?: string;
  /** What a `for` goes through. */
  words: ShellWord[];
}

/** Where a substitution stands. */
export interface Inside {
  /** Index of the command whose text holds it. */
  command: number;
  kind: 'command' | 'process_in' | 'process_out';
  place: 'word' | 'assignment' | 'redirection' | 'loop';
  /** Index of the word, redirection or assignment among its kind. */
  index: number;
}

/** One simple command; the lists name others by their index. */
export interface SimpleCommand {
  index: number;
  words: ShellWord[];
  assignments: Assignment[];
  redirections: Redirection[];
  /** Commands that read this one's standard output through a pipe. */
  stdout_to: number[];
  /** Commands whose standard output comes in through a pipe. */
  stdin_from: number[];
  /** What stands between this command and the one before in the same list. */
  after: 'start' | ';' | '&&' | '||' | '&' | '|';
  background: boolean;
  /** Indices into `loops`, outermost first. */
  loops: number[];
  /** It decides whether the innermost loop goes on (`until nslookup db; do …`). */
  loop_condition: boolean;
  /** Groups, subshells, compound commands and substitutions around it. */
  depth: number;
  inside?: Inside;
  /** Name of the function whose body holds it. */
  function?: string;
}

export interface ShellScript {
  commands: SimpleCommand[];
  loops: ShellLoop[];
  /** A bound was hit: what was read is right, the rest is missing. */
  truncated: boolean;
  /** Something did not follow the grammar; it was read as well as possible. */
  malformed: boolean;
  /** Work done, in characters looked at; at most proportional to the input times the nesting bound. */
  steps: number;
}

export const SHELL_LIMITS = {
  input_chars: 128 * 1024,
  words: 4096,
  nesting: 32,
  edges: 8192,
  /** Brace words expanded in one word, and how long a word may be to be looked at. */
  braces: 64,
  brace_chars: 8192,
  /** Longest text that known variables may grow a word to. */
  grown_chars: 64 * 1024,
  steps: 4_000_000,
} as const;
