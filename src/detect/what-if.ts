/** One thing of an exec changed, and what the same judgement says then: what was missing for an indicator. */
import type { Ancestor, ExecEvent, ExecProcess } from '../model/exec-event.ts';
import type { FindingPeer, IndicatorHit, Severity, Verdict } from '../model/finding.ts';
import type { Detector, StateFacts } from '../model/intake.ts';

/** An indicator that came near: it fires if `change` holds. */
export interface WhatIf {
  /** After "if ": `its peer were a public address`. */
  change: string;
  severity: Severity;
  score: number;
  /** What fires then and does not as it is. */
  indicators: IndicatorHit[];
  /** What lowers the score as it is and does not then. */
  without: string[];
}

/** Judges the exec with one thing changed at a time, and answers what made a difference, the worst first. */
export function whatIfs(detector: Detector, event: ExecEvent, facts: StateFacts = {}): WhatIf[] {
  const actual = detector.judge(event, facts);
  const had = new Set(actual.indicators.map(({ id }) => id));
  const found = changes(event, actual, facts).flatMap(([change, other, otherFacts]): WhatIf[] => {
    const { severity, score, indicators } = detector.judge(other, otherFacts);
    const has = new Set(indicators.map(({ id }) => id));
    const more = indicators.filter(({ id, points }) => !had.has(id) && points > 0);
    const without = [...had].filter((id) => !has.has(id) && isLowering(actual, id));
    const same = severity === actual.severity && more.length === 0;
    return same ? [] : [{ change, severity, score, indicators: more, without }];
  });
  return found.sort((a, b) => b.score - a.score);
}

function isLowering(verdict: Verdict, id: string): boolean {
  return verdict.indicators.some((one) => one.id === id && one.points < 0);
}

type Change = [change: string, event: ExecEvent, facts: StateFacts];

function changes(event: ExecEvent, { peers }: Verdict, facts: StateFacts): Change[] {
  const { process } = event;
  const program = (change: Partial<ExecProcess>): ExecEvent => ({
    ...event,
    process: { ...process, ...change },
  });
  const by = (...ancestors: Ancestor[]): ExecEvent => ({
    ...event,
    ancestors: [...ancestors, ...event.ancestors.filter(({ place }) => place === 'outside')],
  });
  const line = process.argv.join(' ');
  const name = process.argv[0]?.split('/').at(-1) ?? 'x';
  const moved = (path: string) => program({ binary: path, exe: path });
  const { exec_probe: _probe, ...noProbe } = process;
  const { probes: _probes, ...container } = event.container ?? { id: '' };
  const image = { reference: 'registry.example/app:1', repository: 'registry.example/app', tag: '1' };
  const all: [string, ExecEvent, StateFacts?][] = [
    ...peerChanges(event, peers ?? []),
    ['the program lay in /tmp', moved(`/tmp/${name}`)],
    [
      'its file had been written into the running container',
      program({ file: { ...process.file, upper_layer: true } }),
    ],
    ['a script in /tmp had started it', by(ancestor('sh', '/tmp/run.sh'))],
    ['a web server had started it', by(ancestor('sh', '-c', line), ancestor('nginx', '-g', 'daemon off;'))],
    ['a shell took its output as commands', by(ancestor('sh', '-c', `${line} | sh`))],
    [
      'a person had typed it in a session from outside (kubectl exec -it)',
      { ...by(), process: { ...noProbe, in_init_tree: false, tty: true } },
    ],
    [
      'another process of the container had started it, not the image or pod',
      {
        ...event,
        container,
        process: { ...noProbe, in_init_tree: true },
        ancestors: [ancestor('/opt/app/server'), ...event.ancestors],
      },
    ],
    ['it ran in an image of no known purpose', { ...event, image }],
    ['it had not been seen before', event, {}],
  ];
  return all.map(([change, other, known]) => [change, other, known ?? facts]);
}

function ancestor(...argv: [string, ...string[]]): Ancestor {
  const [name] = argv;
  const binary = name.startsWith('/') ? name : `/usr/bin/${name}`;
  return {
    binary,
    exe: binary,
    argv,
    argv_quality: 'exact',
    argv0_known: true,
    place: 'container',
    from: 'sensor',
  };
}

const PUBLIC = '203.0.113.7';

function peerChanges(event: ExecEvent, peers: readonly FindingPeer[]): [string, ExecEvent][] {
  const peer = peers.find(({ role, host }) => host !== undefined && (role === 'connect' || role === 'query'));
  if (peer?.host === undefined) return [];
  const { host, port } = peer;
  const put = (text: string) => withText(event, host, text);
  const cloud = '169.254.169.254';
  return [
    ...(peer.class === 'loopback'
      ? [['its peer were another machine of the cluster', put('10.20.30.40')] as [string, ExecEvent]]
      : []),
    [`its peer were a public address (${PUBLIC})`, put(PUBLIC)],
    [`its peer were the cloud's metadata service (${cloud})`, put(cloud)],
    ...(port === undefined
      ? []
      : [
          ['it talked to a port of no common service (4444)', withText(event, port, '4444')] as [
            string,
            ExecEvent,
          ],
        ]),
  ];
}

/** The exec with a text in its arguments replaced, where it stands as a word of its own. */
function withText(event: ExecEvent, text: string, by: string): ExecEvent {
  const pattern = new RegExp(`(?<![\\w.-])${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.-])`, 'gi');
  const { process } = event;
  const replaced = (words: string) => words.replace(pattern, by);
  return {
    ...event,
    process: {
      ...process,
      argv: process.argv.map((word, i) => (i === 0 ? word : replaced(word))),
      ...(process.arguments !== undefined && { arguments: replaced(process.arguments) }),
    },
  };
}
