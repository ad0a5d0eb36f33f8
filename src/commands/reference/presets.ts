/** deploy/reference/presets.md: rendered from the files that the presets are. */
import { presetNames, presetOf, presetText } from '../../presets.ts';
import type { Preset } from '../../route/presets-schema.ts';
import { code } from './markdown.ts';

type Example = Preset['examples']['hides'][number];

/** The page. */
export function presetsReference(): string {
  return `${[
    '# Presets of exceptions',
    'Written by `npm run generate` from `src/route/presets`. Off unless `exceptions_presets: [netshoot]` of the configuration names them. Each hides what a common image does by itself; a hard indicator breaks through as with any exception, and nothing above `low` is hidden. Images are named as their makers publish them: behind a mirror of your own, copy the exception (`lanner exceptions presets NAME`) and change `repository`.',
    'Much of this is not told by default anyway: requests to the own machine score below `low`. The presets matter with lower thresholds, with `points` of your own, and with tools you added. Every example is judged by a test, on both sides, as if it had scored `low`.',
    ...presetNames().flatMap(section),
  ].join('\n\n')}\n`;
}

function section(name: string): string[] {
  const { title, about, see, needs_tools, examples } = presetOf(name);
  const exceptions = presetText(name)
    .replace(/^[\s\S]*?^exceptions:\n/m, 'exceptions:\n')
    .replace(/^examples:[\s\S]*/m, '');
  return [
    `## ${name}`,
    `${title.charAt(0).toUpperCase()}${title.slice(1)}. ${about.trim()}`,
    `Taken from: ${see.map((link) => `<${link}>`).join(', ')}.${needs_tools.length === 0 ? '' : ` Tools to add: ${needs_tools.map(code).join(', ')}.`}`,
    `\`\`\`yaml\n${exceptions.trim()}\n\`\`\``,
    'Hides:',
    lines(examples.hides),
    'Keeps:',
    lines(examples.keeps),
  ];
}

function lines(examples: readonly Example[]): string {
  return examples
    .map(({ run, image, by, exe, tty }) => {
      const below =
        by === undefined
          ? ''
          : by.length === 0
            ? ', entered from outside'
            : `, below ${by.map(code).join(' below ')}`;
      return `- ${code(run)} in ${code(image)}${exe === undefined ? '' : `, the file ${code(exe)}`}${below}${tty === true ? ', at a terminal' : ''}`;
    })
    .join('\n');
}
