/** The `-c` string of a shell, taken from a sensor's single argument string, which cannot be split for sure. */
import { SHELL_LIMITS } from './types.ts';

/**
 * How the sensor joined the arguments:
 * - `quoted`  Tetragon: an argument with a blank stands in `"` without any escaping;
 * - `joined`  Falco: one blank between arguments, no quoting at all.
 */
export type JoinedForm = 'quoted' | 'joined';

const C_OPTION = /(?:^|\s)[-+][A-Za-z]{0,8}c(?=\s|$)/g;
const MORE_OPTIONS = /^(?:--|[-+][A-Za-z]{1,8})\s+/;

/** Position behind the `-c` of the shell, the first one after the shell's name if that is given and found. */
function behindOption(raw: string, shell: string | undefined): number | undefined {
  let from = 0;
  if (shell) {
    for (let at = raw.indexOf(shell); at >= 0; at = raw.indexOf(shell, at + 1)) {
      const before = at === 0 ? ' ' : raw[at - 1]!;
      if (!/[\s/"]/.test(before) || !/\s/.test(raw[at + shell.length] ?? '')) continue;
      from = at + shell.length;
      break;
    }
  }
  C_OPTION.lastIndex = from;
  const match = C_OPTION.exec(raw);
  return match ? match.index + match[0].length : undefined;
}

function skipOptions(text: string): string {
  let rest = text.replace(/^\s+/, '');
  for (let turn = 0; turn < 8; turn += 1) {
    const option = MORE_OPTIONS.exec(rest);
    if (!option) return rest;
    rest = rest.slice(option[0].length);
  }
  return rest;
}

/**
 * The script of `sh -c SCRIPT`, given all arguments as the sensor wrote them. `shell` is the shell's name where a
 * wrapper stands before it (`timeout 5 sh -c …`). From `quoted` text the script is what stands between the first
 * `"` behind `-c` and the last `"`; from `joined` text it is all that follows. Undefined if there is no `-c`.
 */
export function shellString(raw: string, form: JoinedForm, shell?: string): string | undefined {
  const bounded = raw.length > SHELL_LIMITS.input_chars ? raw.slice(0, SHELL_LIMITS.input_chars) : raw;
  const at = behindOption(bounded, shell);
  if (at === undefined) return undefined;
  const rest = skipOptions(bounded.slice(at));
  if (rest === '') return undefined;
  if (form === 'joined') return rest;
  if (!rest.startsWith('"')) return rest.split(' ', 1)[0];
  const last = rest.lastIndexOf('"');
  return last > 0 ? rest.slice(1, last) : rest.slice(1);
}
