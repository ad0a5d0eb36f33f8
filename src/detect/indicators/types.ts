import type { Context } from '../context.ts';

/** One exec in short form: tests judge it, the reference page shows it. */
export interface Example {
  /** Command line as a shell would split it; its first word is the executed file. */
  run: string;
  /** Image reference; default: a plain application image. */
  image?: string;
  /** Ancestors inside the container, nearest first, each a command line. Default: one bare `sh`. */
  by?: readonly string[];
  /** Resolved path of the executed file, where it is not the first word. */
  exe?: string;
  cwd?: string;
  tty?: boolean;
  /** False: entered by `kubectl exec` or a probe. Default: true. */
  in_init_tree?: boolean;
  exec_probe?: boolean;
  argv0?: string;
  file?: { memfd?: boolean; deleted?: boolean; unlinked?: boolean; upper_layer?: boolean };
  mounts?: readonly { destination: string; type: string; read_only?: boolean }[];
  workload_kind?: string;
  args_lost?: boolean;
}

/** What an indicator saw. */
export interface Hit {
  /** Instead of the indicator's own points. */
  points?: number;
  /** Instead of the indicator's own hardness. */
  hard?: boolean;
  /** The thing it was seen on. */
  evidence: string;
  /** One sentence for the responder. */
  why: string;
  mitre?: readonly string[];
  /** Soft, and yet not lowered by mitigations other than the image's purpose. */
  immune?: boolean;
  /** The score is at least this. */
  at_least?: number;
}

/** One suspicious way of use. One file, one entry in `index.ts`. */
export interface Indicator {
  id: string;
  points: number;
  /** A hard indicator is never lowered by context. */
  hard: boolean;
  mitre: readonly string[];
  title: string;
  description: string;
  /** Seen in a shell's own string it makes the shell's event a finding. */
  in_strings?: boolean;
  evaluate(context: Context): Hit | undefined;
  examples: { fires: readonly Example[]; silent: readonly Example[] };
}

/** A reason that lowers the score; applied only where nothing hard fired. */
export interface Mitigation {
  id: string;
  /** Negative. */
  points: number;
  title: string;
  description: string;
  /** Of several mitigations of one group only the strongest counts. */
  group: 'origin' | 'image' | 'probe' | 'loop' | 'target' | 'build';
  /** `hits` are the indicators that fired. */
  evaluate(context: Context, hits: readonly { id: string; points: number }[]): Hit | undefined;
  examples: { fires: readonly Example[]; silent: readonly Example[] };
}
