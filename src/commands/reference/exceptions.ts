/** deploy/reference/exceptions.md: what a match may say, and the presets as the files have them. */

import { peerClassMeanings } from '../../model/finding.ts';
import { presetNames, presetOf, presetText } from '../../presets.ts';
import type { Preset } from '../../route/presets-schema.ts';
import { code, table } from './markdown.ts';

const keys: [string, string][] = [
  ['args: [-s, "http://h/**"]', 'the words after the program are these and no others, one pattern each'],
  ['args_have: [-s, "!-k"]', 'each is one of the words; with ! none is'],
  ['args_at: {1: ping, last: "*.txt"}', 'the nth word after the program, or the last one'],
  ['command_line: "curl -s **"', 'the whole command line as one text, the same however it is split'],
  ['command_line_contains: token', 'a part of the command line: only where asked for by this name'],
  ['peer_class: [loopback, internal]', 'every peer lies there'],
  [
    'peer: [api.shop.svc, 10.0.0.0/8, /run/app.sock]',
    'every peer is one of these names, addresses, ranges or sockets; names are never resolved',
  ],
  ['peer_port: [443, ">=8000"]', 'the port of every peer'],
  [
    'peer_role: connect',
    'what is done with every peer: connect, listen, proxy, resolver, query (a name that is asked for)',
  ],
  ['repository: "registry.example/shop/*"', 'of the image, with registry, without tag and digest'],
  ['digest: "sha256:…"', 'of the image'],
  [
    'ancestors: {1: /app/start.sh, any: /usr/sbin/crond}',
    'exact path of the nth process above (1: the parent), or of any in the container',
  ],
  [
    'indicator: external_ip',
    'fired; a hard indicator that is named like this, or in even_if, does not break through',
  ],
];

type Example = Preset['examples']['hides'][number];

/** The page. */
export function exceptionsReference(): string {
  return `${[
    '# Exceptions',
    'Written by `npm run generate` from the code and from `src/route/presets`. Keys of an exception: [configuration](configuration.md#top-level).',
    '## What a match may say',
    'All keys must fit. Values are globs (`*` stops at `/`, `**` does not); of a list one must fit, and those with `!` must all not fit. What cannot be known is not decided: the exception does not apply, and the finding says so. Keys of routes (`tool`, `category`, `severity`, `indicator`, `namespace`, `workload`, `image`, `binary`, `labels`, a path such as `exec.process.uid`, …) are taken too.',
    table(
      ['key', 'meaning'],
      keys.map(([key, text]) => [code(key), text]),
    ),
    'Where the sensor joined the words (`argv_quality` is not `exact`), what looks at words holds only if it holds however the words are split; what was cut off or lost is not decided.',
    table(
      ['class of a peer', 'what it is'],
      Object.entries(peerClassMeanings).map(([name, text]) => [code(name), text]),
    ),
    '`when` is CEL over `finding`, type-checked with line and column: at most 4,000 characters and 400 operations, loops two deep and only over parts of what the outer one goes over, patterns written out. On a finding so large that it would take more than 200,000 steps it is not decided.',
    '## Presets',
    'Off unless `exceptions_presets: [netshoot]` of the configuration names them. Each hides what a common image does by itself; a hard indicator breaks through as with any exception, and nothing above `low` is hidden. Images are named as their makers publish them: behind a mirror of your own, copy the exception (`lanner exceptions presets NAME`) and change `repository`.',
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
    `### ${name}`,
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
