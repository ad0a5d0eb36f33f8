import type { Context, LocatedAncestor } from '../context.ts';
import { type LocationClass, locationWords } from '../location.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const HARD: readonly LocationClass[] = [
  'memfd',
  'descriptor',
  'deleted',
  'world_writable',
  'web_root',
  'upload',
  'mount',
];

/** No path leads to the file any more: nobody starts programs like that by accident. */
const GONE: ReadonlySet<LocationClass> = new Set(['memfd', 'descriptor', 'deleted']);

function weigh(entry: LocatedAncestor): { place: LocationClass; hard: boolean } | undefined {
  const { classes } = entry.location;
  const hard = classes.find((name) => HARD.includes(name));
  if (hard !== undefined) return { place: hard, hard: true };
  // A volume known by name only, and a hidden directory, are weaker: work directories look like that.
  if (classes.includes('volume')) return { place: 'volume', hard: entry.role === 'program' };
  return classes.includes('hidden') ? { place: 'hidden', hard: false } : undefined;
}

function strongest(
  context: Context,
): { entry: LocatedAncestor; place: LocationClass; hard: boolean } | undefined {
  let best: { entry: LocatedAncestor; place: LocationClass; hard: boolean } | undefined;
  for (const entry of context.ancestor_locations) {
    const weight = weigh(entry);
    if (weight && (!best || (weight.hard && !best.hard))) best = { entry, ...weight };
  }
  return best;
}

/** An ancestor's program or script lies in a suspicious place. */
export const ancLocation: Indicator = {
  id: 'anc_location',
  points: 30,
  hard: true,
  mitre: ['T1059.004', 'T1036'],
  title: 'Started by a file in a suspicious place',
  description:
    'A program or script above the tool lies in /tmp, /dev/shm, an upload directory, in memory, or is deleted (45 where no path leads to it any more). Volumes and hidden directories count 20 and are soft. Ancestors outside the container are never looked at.',
  evaluate(context) {
    const found = strongest(context);
    if (!found) return undefined;
    const { entry, place, hard } = found;
    return {
      ...(hard ? (GONE.has(place) ? { points: 45 } : {}) : { points: 20, hard: false }),
      evidence: short(entry.path),
      why: `it was started by ${entry.ancestor.name}, whose ${entry.role} ${short(entry.path)} is in ${locationWords[place]}`,
    };
  },
  examples: {
    fires: [
      { run: 'nslookup c2.example.net', by: ['/bin/bash /tmp/update.sh'] },
      {
        run: 'wget -q http://files.example.com/x',
        by: ["sh -c 'wget -q http://files.example.com/x'", '/var/tmp/.ICE/kworkerd'],
      },
    ],
    silent: [
      { run: 'nslookup db.example.net', by: ['/bin/bash /usr/local/bin/update.sh'] },
      {
        run: 'curl -s http://artifacts.example.com/x',
        by: ['sh -xe /tmp/jenkins1733.sh', 'java -jar /usr/share/jenkins/jenkins.war'],
        image: 'docker.io/jenkins/jenkins:lts',
      },
    ],
  },
};
