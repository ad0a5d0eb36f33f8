/** From indicators to a severity: sum, mitigations, caps. */
import type { IndicatorHit, Severity } from '../model/finding.ts';
import { compareSeverity } from '../model/finding.ts';
import type { Note } from '../model/intake.ts';
import type { Context } from './context.ts';
import { indicators } from './indicators/index.ts';
import { isRuntimeSocket } from './indicators/runtime-socket.ts';
import type { Hit } from './indicators/types.ts';
import { mitigations } from './mitigations/index.ts';
import { severityOf } from './settings.ts';

export interface Score {
  severity: Severity;
  score: number;
  hits: IndicatorHit[];
  /** True if the string of a shell shows something hard by itself. */
  hard_in_string: boolean;
}

interface Fired {
  id: string;
  points: number;
  hard: boolean;
  mitre: readonly string[];
  hit: Hit;
  in_strings: boolean;
}

/** Judges one execution of one tool. */
export function scoreContext(context: Context, note?: Note): Score {
  const stop = stopReason(context);
  if (stop !== undefined) {
    note?.({ step: 'score', text: stop });
    return { severity: 'none', score: 0, hits: [], hard_in_string: false };
  }
  const base = context.settings.taxonomy.points(context.tool);
  const fired = fire(context, note);
  const lowering = lower(context, fired, note);
  const sum = base + [...fired, ...lowering].reduce((total, entry) => total + entry.points, 0);
  const score = Math.max(sum, ...fired.map((entry) => entry.hit.at_least ?? Number.NEGATIVE_INFINITY));
  note?.({
    step: 'score',
    text: `${context.tool.id} ${base} ${[...fired, ...lowering].map((entry) => `${entry.id} ${signed(entry.points)}`).join(' ')} = ${score}`,
  });
  const severity = cap(context, fired, severityOf(score, context.settings.thresholds), note);
  note?.({ step: 'severity', text: severity });
  return {
    severity,
    score,
    hits: [...fired, ...lowering].map(toIndicatorHit),
    hard_in_string: fired.some((entry) => entry.hard && entry.in_strings),
  };
}

function signed(points: number): string {
  return points < 0 ? String(points) : `+${points}`;
}

/** Nothing happens at all: help, version, no operand. */
function stopReason({ invocation, process, relation, tool }: Context): string | undefined {
  const lost = process.argv_quality === 'lost' || process.facts?.includes('args_lost');
  if (invocation.inert === undefined || lost) return undefined;
  // What it works on may have stood behind the cut.
  if (invocation.inert === 'no_operand' && process.argv_quality === 'truncated') return undefined;
  if (
    invocation.inert === 'no_operand' &&
    (relation?.shell_wired !== undefined || relation?.data_loop !== undefined)
  )
    return undefined;
  return `${tool.id} only shows ${invocation.inert === 'no_operand' ? 'its usage, since it has nothing to work on' : invocation.inert}`;
}

function fire(context: Context, note: Note | undefined): Fired[] {
  const { settings } = context;
  const fired: Fired[] = [];
  for (const indicator of indicators) {
    if (settings.disabled.has(indicator.id)) {
      note?.({ step: 'indicator', text: `${indicator.id} is switched off` });
      continue;
    }
    const hit = indicator.evaluate(context);
    if (!hit) {
      note?.({ step: 'indicator', text: `${indicator.id} silent`, data: { id: indicator.id, fired: false } });
      continue;
    }
    const points = weigh(settings.weights[indicator.id], indicator.points, hit.points);
    const hard = hit.hard ?? indicator.hard;
    note?.({
      step: 'indicator',
      text: `${indicator.id} ${signed(points)}${hard ? ' hard' : ''}: ${hit.why}`,
      data: { id: indicator.id, fired: true, points, hard, evidence: hit.evidence },
    });
    fired.push({
      id: indicator.id,
      points,
      hard,
      mitre: hit.mitre ?? indicator.mitre,
      hit,
      in_strings: indicator.in_strings ?? false,
    });
  }
  return fired;
}

/** An operator's weight stands for the indicator's own points; what a hit says relative to these is kept. */
function weigh(weight: number | undefined, points: number, hit: number | undefined): number {
  if (weight === undefined) return hit ?? points;
  return hit === undefined || points === 0 ? weight : Math.round((hit * weight) / points);
}

function lower(context: Context, fired: readonly Fired[], note: Note | undefined): Fired[] {
  if (fired.some((entry) => entry.hard)) {
    note?.({ step: 'score', text: 'a hard indicator fired: context lowers nothing' });
    return [];
  }
  const immune = fired.filter((entry) => entry.hit.immune);
  // A bare public address is what some images exist for; encoded names and disguises are not.
  const onlyPurpose = immune.length > 0;
  if (immune.some((entry) => entry.id !== 'external_ip')) return [];
  const strongest = new Map<string, Fired>();
  for (const mitigation of mitigations) {
    if (context.settings.disabled.has(mitigation.id)) continue;
    if (onlyPurpose && mitigation.id !== 'purpose_image' && mitigation.id !== 'monitoring_image') continue;
    const hit = mitigation.evaluate(context, fired);
    if (!hit) continue;
    const points = weigh(context.settings.weights[mitigation.id], mitigation.points, hit.points);
    note?.({
      step: 'indicator',
      text: `${mitigation.id} ${points}: ${hit.why}`,
      data: { id: mitigation.id, fired: true, points },
    });
    const before = strongest.get(mitigation.group);
    if (before === undefined || points < before.points) {
      strongest.set(mitigation.group, {
        id: mitigation.id,
        points,
        hard: false,
        mitre: [],
        hit,
        in_strings: false,
      });
    }
  }
  return [...strongest.values()];
}

/** DNS tools speak to the world through a resolver on loopback too. */
const THROUGH_RESOLVER = new Set(['txt_null_any', 'encoded_label', 'batch_or_list', 'cmd_output_in_request']);

function cap(
  context: Context,
  fired: readonly Fired[],
  severity: Severity,
  note: Note | undefined,
): Severity {
  const hard = fired.some((entry) => entry.hard);
  if (
    context.category === 'diag' &&
    !fired.some((entry) => entry.hard || entry.id === 'server_ancestor' || entry.id === 'encoded_label')
  ) {
    note?.({ step: 'severity', text: 'diagnosis is never a finding by itself' });
    return 'none';
  }
  if (!hard && onlyOwnSockets(context)) {
    note?.({ step: 'severity', text: 'it only talks to unix sockets of the container' });
    return 'none';
  }
  if (!isLocal(context)) return severity;
  if (context.category === 'dns' && fired.some((entry) => THROUGH_RESOLVER.has(entry.id))) return severity;
  if (!hard) {
    note?.({
      step: 'severity',
      text: `all ${context.invocation.peers.length} peers are loopback; not reported`,
    });
    return 'none';
  }
  if (fired.some((entry) => entry.id === 'runtime_socket' || entry.id === 'namespace_entry')) return severity;
  if (compareSeverity(severity, 'medium') <= 0) return severity;
  note?.({ step: 'severity', text: 'a hard indicator towards loopback is capped at medium' });
  return 'medium';
}

function isLocal(context: Context): boolean {
  if (context.loopback_only) return true;
  // `nslookup localhost`, `getent hosts localhost`.
  const { queries, peers, hidden_targets } = context.invocation;
  const names = queries.map((query) => query.name.toLowerCase().replace(/\.$/, ''));
  return (
    peers.length === 0 &&
    hidden_targets.length === 0 &&
    names.length > 0 &&
    names.every((name) => name === 'localhost' || name.endsWith('.localhost'))
  );
}

function onlyOwnSockets({ invocation }: Context): boolean {
  const connections = invocation.peers.filter((peer) => peer.class !== 'loopback');
  if (connections.length === 0 || invocation.hidden_targets.length > 0) return false;
  return connections.every((peer) => peer.class === 'unix' && !isRuntimeSocket(peer.path ?? peer.text));
}

function toIndicatorHit(entry: Fired): IndicatorHit {
  return {
    id: entry.id,
    points: entry.points,
    hard: entry.hard,
    evidence: entry.hit.evidence,
    why: entry.hit.why,
    mitre: [...entry.mitre],
  };
}
