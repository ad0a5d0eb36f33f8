import type { ExecEvent } from '../../src/model/exec-event.ts';
import type { Verdict } from '../../src/model/finding.ts';
import type { Detector } from '../../src/model/intake.ts';

/** Says `high` of every exec in a container whose program is called nc; for tests of what happens around it. */
export function netcatDetector(): Detector {
  const none: Verdict = { severity: 'none', score: 0, indicators: [], why: [], mitre: [], triage: [] };
  const isNetcat = (event: ExecEvent): boolean =>
    event.container !== undefined && event.process.binary?.endsWith('/nc') === true;
  return {
    names: isNetcat,
    interest: { path: () => true, text: () => true, exec: () => true },
    judge(event) {
      if (!isNetcat(event)) return none;
      return {
        ...none,
        severity: 'high',
        score: 70,
        tool: 'netcat',
        category: 'netcat',
        why: ['it is netcat'],
      };
    },
  };
}
