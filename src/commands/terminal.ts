import type { Ancestor, ExecEvent, Program } from '../model/exec-event.ts';
import type { Finding, Severity } from '../model/finding.ts';

/** Paints text for a terminal, or leaves it plain. */
export type Paint = (style: Style, text: string) => string;
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'cyan' | 'magenta' | 'green';

const codes: Record<Style, number> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  magenta: 35,
  cyan: 36,
};

/** Colours where a person looks at a terminal and did not forbid them (NO_COLOR). */
export function paintFor(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  const colours = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  return (style, text) => (colours ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}

const severityStyle: Record<Severity, Style> = {
  none: 'dim',
  info: 'dim',
  low: 'cyan',
  medium: 'yellow',
  high: 'red',
  critical: 'magenta',
};

/** A severity in its colour, as wide as the widest. */
export function severityText(severity: Severity, paint: Paint): string {
  return paint(severityStyle[severity], severity.toUpperCase().padEnd(8));
}

/**
 * Text from a container may hold escape sequences, line ends, bidi marks: on a terminal they are shown, not
 * obeyed. Longer texts are cut in the middle, so that the end (where peers stand) stays visible.
 */
export function printable(text: string, length = 200): string {
  const shown = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (char) =>
      char === '\n' ? '⏎' : char === '\t' ? ' ' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (shown.length <= length) return shown;
  const half = Math.floor((length - 3) / 2);
  return `${shown.slice(0, half)} … ${shown.slice(-half)}`;
}

/** A finding as a person wants to read it: severity, what, where, why, ancestors as a tree. */
export function renderFinding(finding: Finding, paint: Paint): string {
  const { exec } = finding;
  const severity = severityText(finding.severity, paint);
  const lines = [
    `${severity} ${paint('bold', printable(finding.title))}`,
    `  ${paint('dim', 'when')}   ${finding.time.replace('T', ' ').slice(0, 23)}  ${paint('dim', `score ${finding.score}  id ${finding.id}`)}`,
    `  ${paint('dim', 'what')}   ${printable(exec.process.argv.join(' '))}`,
    `  ${paint('dim', 'where')}  ${printable(whereOf(exec))}`,
    ...reasonsOf(finding).map(
      (why, i) => `  ${paint('dim', i === 0 ? 'why   ' : '      ')} ${printable(why, 240)}`,
    ),
    ...treeOf(exec).map((line, i) => `  ${paint('dim', i === 0 ? 'tree  ' : '      ')} ${line}`),
  ];
  const [next] = finding.triage;
  if (next !== undefined) lines.push(`  ${paint('dim', 'next')}   ${printable(next.text, 240)}`);
  return `${lines.join('\n')}\n`;
}

/** A finding in two lines, where there are many. */
export function renderLine(finding: Finding, paint: Paint): string {
  const severity = severityText(finding.severity, paint);
  const what = printable(finding.exec.process.argv.join(' '), 100);
  const [why] = reasonsOf(finding);
  return `${severity} ${paint('bold', printable(finding.title))}\n         ${what}${why === undefined ? '' : ` ${paint('dim', `(${printable(why, 120)})`)}`}`;
}

/** The first sentence says what was executed where, which stands above already. */
function reasonsOf(finding: Finding): string[] {
  return finding.why.length > 1 ? finding.why.slice(1) : finding.why;
}

function whereOf(exec: ExecEvent): string {
  const parts = [
    exec.cluster,
    exec.node,
    exec.pod && `${exec.pod.namespace}/${exec.pod.name}`,
    exec.container &&
      `container ${exec.container.name ?? ''} ${exec.container.id.slice(0, 12)}`.replace('  ', ' '),
    exec.image?.reference ?? exec.image?.repository,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

/** The chain from the outermost ancestor down to the process itself. */
function treeOf(exec: ExecEvent): string[] {
  const chain: (Ancestor | Program)[] = [...exec.ancestors].reverse();
  chain.push(exec.process);
  return chain.map((program, depth) => {
    const outside = 'place' in program && program.place === 'outside';
    const file = program.binary ?? program.exe ?? program.argv[0] ?? '?';
    // A runtime's own arguments say nothing about the container.
    const name = outside
      ? `${file} (outside the container)`
      : program.argv.length > 0
        ? program.argv.join(' ')
        : file;
    const pid = program.pid === undefined ? '' : `${program.pid} `;
    return `${depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `}${pid}${printable(name, 120)}`;
  });
}
