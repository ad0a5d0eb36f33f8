import type { WhatIf } from '../detect/what-if.ts';

/** What is shown at most. */
const MOST = 6;

/** The changes that make an indicator fire, one for each set of indicators: first what is least above nothing. */
export function nearest(all: readonly WhatIf[]): WhatIf[] {
  const seen = new Set<string>();
  const rank = ({ severity, score }: WhatIf) => (severity === 'none' ? 1000 - score : score);
  return [...all]
    .sort((a, b) => rank(a) - rank(b))
    .filter(({ indicators }) => {
      const key = indicators.map(({ id }) => id).join();
      if (indicators.length === 0 || seen.has(key)) return false;
      seen.add(key);
      return true;
    })
    .slice(0, MOST);
}

/** `external_ip +10 if its peer were a public address: low, score 20`. */
export function nearText({ change, severity, score, indicators, without }: WhatIf): string {
  const fires = indicators.map(({ id, points, hard }) => `${id} +${points}${hard ? ' hard' : ''}`);
  const gone = without.map((id) => `without ${id}`);
  return `${[...fires, ...gone].join(', ') || 'the same'} if ${change}: ${severity}, score ${score}`;
}
