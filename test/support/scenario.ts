import { configOrDefaults } from '../../src/commands/defaults.ts';
import { replay } from '../../src/commands/replay.ts';
import { compareSeverity, type Finding, type Severity } from '../../src/model/finding.ts';
import { openReplayPipeline } from '../../src/service/replay.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { fixture } from './fixtures.ts';
import { type Action, recordedActions } from './recordings.ts';

/** What of an action's arguments a finding shows, where the marker is not in it. */
const otherMarks: Record<string, string> = {
  // Its marker stands behind 8 KB, more than Falco hands over.
  s142: 'X-Data: QUJD0123QUJD0123',
};

/** True if the action's command, or something below it, stands in the text. */
export function belongsTo(action: Action, text: string): boolean {
  const other = otherMarks[action.id];
  return text.includes(action.marker) || (other !== undefined && text.includes(other));
}

/**
 * What `lanner replay` with all defaults says of each labelled action of a recorded scenario: the highest
 * severity of the findings whose exec or ancestors carry its marker. `context` is no evidence and not looked at.
 */
export async function scenarioSeverities(recording: string): Promise<Map<string, Severity>> {
  const heard: Finding[] = [];
  const found: Finding[] = [];
  const config = configOrDefaults(undefined);
  const { pipeline } = openReplayPipeline({
    config,
    log: silentLog,
    deliver: false,
    onFinding: (finding) => heard.push(finding),
  });
  await replay([fixture(`recordings/${recording}`)], pipeline, heard, {
    json: true,
    out: {
      write: (line) => found.push(JSON.parse(line) as Finding) > 0,
      once: () => {},
    },
    paint: (_style, text) => text,
    log: silentLog,
  });
  const severities = new Map<string, Severity>();
  for (const { exec, related, severity } of found) {
    const text = wordsOf({ exec, related });
    for (const action of recordedActions()) {
      if (!belongsTo(action, text)) continue;
      const before = severities.get(action.id) ?? 'none';
      if (compareSeverity(severity, before) > 0) severities.set(action.id, severity);
    }
  }
  return severities;
}

/** All texts in a value: a marker must not be found across the quotes of its JSON. */
function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(wordsOf).join('\n');
}
