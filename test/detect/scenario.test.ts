import { beforeAll, describe, expect, it } from 'vitest';
import { compareSeverity, type Severity, severities } from '../../src/model/finding.ts';
import { decodeAlert } from '../../src/sources/falco/message.ts';
import { type Action, recordedActions, recordedMessages } from '../support/recordings.ts';
import { belongsTo, scenarioSeverities } from '../support/scenario.ts';

const benign = recordedActions().filter((action) => action.verdict === 'benign');
const suspicious = recordedActions().filter((action) => action.verdict === 'suspicious');

const tetragon = [
  'tetragon/scenario.bin.gz',
  'tetragon/scenario-k8s.bin.gz',
  'tetragon/scenario-k8s.export.jsonl.gz',
];
const falco = ['falco/scenario.bin.gz', 'falco/scenario.http.jsonl.gz', 'falco/scenario-jsonout.bin.gz'];
const lean = ['falco/scenario-lean.bin.gz'];
const everywhere = [...tetragon, ...falco, ...lean];

interface Deviation {
  id: string;
  got: Severity;
  in: readonly string[];
  reason: string;
}

/**
 * Suspicious actions that stay below their label, each with the reason. The labels know what an action was for;
 * the judgement sees one command in one container.
 */
const deviations: readonly Deviation[] = [];

/** The label, or one step less where it says critical. */
function target(action: Action): Severity {
  return action.severity === 'critical' ? 'high' : (action.severity as Severity);
}

describe.each(everywhere)('the recorded scenario in %s', (recording) => {
  let got: Map<string, Severity>;
  beforeAll(async () => {
    got = await scenarioSeverities(recording);
  });
  const of = (action: Action) => got.get(action.id) ?? 'none';

  it('has no finding above info on a benign action', () => {
    expect(benign).toHaveLength(21);
    const above = benign.filter((action) => compareSeverity(of(action), 'info') > 0);
    expect(above.map((action) => `${action.id} ${of(action)}`)).toEqual([]);
  });

  it.each(suspicious)('$id reaches its label: $why ($severity)', (action) => {
    const deviation = deviations.find((one) => one.id === action.id && one.in.includes(recording));
    if (deviation !== undefined) expect(of(action), deviation.reason).toBe(deviation.got);
    else expect(severities.slice(severities.indexOf(target(action)))).toContain(of(action));
  });
});

it('every deviation is one: below the label of a recorded action, once, and with a reason', () => {
  const seen = new Set<string>();
  for (const { id, got, in: where, reason } of deviations) {
    const action = suspicious.find((one) => one.id === id)!;
    expect(compareSeverity(got, target(action)), id).toBeLessThan(0);
    expect(reason.length, id).toBeGreaterThan(20);
    for (const recording of where) {
      expect(everywhere).toContain(recording);
      expect(seen.has(`${id} ${recording}`), `${id} ${recording} twice`).toBe(false);
      seen.add(`${id} ${recording}`);
    }
  }
});

describe("the recorded scenario as Falco's stock rules send it", () => {
  const alerts = recordedMessages('falco/scenario-stock')
    .map(decodeAlert)
    .filter(({ fields }) => fields.get('evt.type')?.startsWith('execve') && fields.has('container.id'));
  const sent = (action: Action) =>
    alerts.some(({ fields }) => belongsTo(action, fields.get('proc.cmdline') ?? ''));
  let frames: Map<string, Severity>;
  let bodies: Map<string, Severity>;
  beforeAll(async () => {
    frames = await scenarioSeverities('falco/scenario-stock.bin.gz');
    bodies = await scenarioSeverities('falco/stock-rules.http.jsonl.gz');
  });

  it('says nothing of these suspicious actions, which no stock rule sends as an exec', () => {
    expect(suspicious.filter((action) => !sent(action)).map(({ id }) => id)).toEqual([]);
  });

  it('has a finding on every suspicious action that is sent', () => {
    const silent = suspicious.filter((action) => sent(action) && !frames.has(action.id));
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  it('has no finding on a benign action, though the stock rules send some of them', () => {
    expect(benign.filter(sent).length).toBeGreaterThan(0);
    expect(benign.filter((action) => frames.has(action.id)).map(({ id }) => id)).toEqual([]);
  });

  it('is the same over gRPC and HTTP', () => {
    expect([...bodies].sort()).toEqual([...frames].sort());
  });
});
