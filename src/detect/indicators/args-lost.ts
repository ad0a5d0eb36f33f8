import type { Indicator } from './types.ts';

/** The sensor could not report the arguments. */
export const argsLost: Indicator = {
  id: 'args_lost',
  points: 25,
  hard: false,
  mitre: ['T1027', 'T1562'],
  title: 'Arguments did not reach the sensor',
  description:
    "The arguments were too long for the sensor's buffers. Padding an argument list is a way to hide the rest of it, so a tool without arguments is not taken for harmless then.",
  evaluate({ process }) {
    const lost = process.argv_quality === 'lost' || process.facts?.includes('args_lost') === true;
    return lost
      ? {
          evidence: 'arguments lost',
          why: 'its arguments did not fit the sensor’s buffers, which hides what it does',
          immune: true,
        }
      : undefined;
  },
  examples: { fires: [{ run: 'nc', args_lost: true }], silent: [{ run: 'nc db 5432' }] },
};
