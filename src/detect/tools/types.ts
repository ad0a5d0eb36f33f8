/** The taxonomy as data: what a network utility is to Lanner. */

export const categories = [
  'dns',
  'netcat',
  'http',
  'scanner',
  'sniffer',
  'tunnel',
  'remote_shell',
  'file_transfer',
  'raw',
  'diag',
  'shell_net',
  'interpreter_net',
] as const;
export type Category = (typeof categories)[number];

/** What all tools of a category share. */
export interface CategoryEntry {
  id: Category;
  title: string;
  /** Points a mere execution is worth, before any indicator. */
  points: number;
  /** ATT&CK techniques, most specific first. */
  mitre: readonly string[];
  /** What a responder does next, in order; `{command}` placeholders are filled in by triage. */
  next: readonly string[];
}

/**
 * One network utility. One entry is one tool, no code: an operator adds entries of this very shape in the
 * configuration (`detect.tools.add`).
 */
export interface Tool {
  /** Canonical id, as findings, exceptions and routes name it. */
  id: string;
  category: Category;
  /** File names, matched exactly and in their case. */
  names: readonly string[];
  /** Names as applets of busybox or toybox, where they differ from `names`. */
  applets?: readonly string[];
  /** Module forms: `python:http.server` is `python -m http.server`, `php:-S` is php with that option. */
  modules?: readonly string[];
  /** Packages that install it, for the responder and the reference page. */
  packages?: readonly string[];
  /** ATT&CK techniques of this tool, before those of its category. */
  mitre?: readonly string[];
  /** Overrides the category's points. */
  points?: number;
  /** Argument grammar; default: the id, and the generic grammar where there is none of that name. */
  grammar?: string;
  /** Counts only with one of these as its first operand (`getent hosts`, `openssl s_client`). */
  first_operand?: readonly string[];
  /** Names that other programs bear too: they count only with a peer in the arguments. */
  ambiguous?: boolean;
  /** Responder's steps of this tool, before those of its category. */
  next?: readonly string[];
}
