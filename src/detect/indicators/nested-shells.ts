import type { Indicator } from './types.ts';

/** Shells in shells in shells. */
export const nestedShells: Indicator = {
  id: 'nested_shells',
  points: 20,
  hard: false,
  mitre: ['T1027.010', 'T1059.004'],
  title: 'Shells nested in shells',
  description:
    'Three or more shells stand above each other, each started with a string: nobody writes that by hand, and it hides what runs from simple filters.',
  evaluate({ chain }) {
    let depth = 0;
    for (const ancestor of chain) {
      if (ancestor.shell_string === undefined) break;
      depth++;
    }
    return depth >= 3
      ? {
          evidence: `${depth} shells`,
          why: `${depth} shells, each started with a string, stand above each other`,
        }
      : undefined;
  },
  examples: {
    fires: [
      {
        run: 'nc host.example.com 443',
        by: [
          "sh -c 'nc host.example.com 443; :'",
          `sh -c 'sh -c "nc host.example.com 443; :"; :'`,
          `sh -c 'sh -c x; :'`,
        ],
      },
    ],
    silent: [{ run: 'nc host.example.com 443', by: ["sh -c 'nc host.example.com 443'", 'sh /start.sh'] }],
  },
};
