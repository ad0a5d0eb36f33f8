import { LannerError } from '../lib/errors.ts';
import { type Severity, severities } from '../model/finding.ts';

/** A severity as a flag gives it. Throws LannerError `usage`; `mend` says where help is. */
export function severityFlag(text: string, mend: string): Severity {
  const known = severities.filter((one) => one !== 'none');
  const found = known.find((one) => one === text);
  if (found !== undefined) return found;
  throw new LannerError(
    'usage',
    `there is no severity ${JSON.stringify(text)}. Known: ${known.join(', ')}`,
    mend,
  );
}
