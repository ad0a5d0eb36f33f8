/** The verdict on an exec that runs a tool. */
import type { ExecEvent } from '../model/exec-event.ts';
import type { FindingPeer, IndicatorHit, Severity, ToolUse, TriageStep, Verdict } from '../model/finding.ts';
import type { Context } from './context.ts';
import { redactHits } from './redact.ts';
import { toldPeers } from './told-peers.ts';
import { triage } from './triage.ts';
import { useOf } from './use.ts';
import { techniquesOf, whyOf } from './why.ts';

export interface VerdictParts {
  event: ExecEvent;
  context: Context;
  severity: Severity;
  score: number;
  hits: IndicatorHit[];
  /** How often it was seen before, where that lowered the severity. */
  seen: number | undefined;
  redact: boolean;
}

/** Most judgements are made to be forgotten: their texts are written when somebody reads them, once. */
export class ToolVerdict implements Verdict {
  readonly severity: Severity;
  readonly score: number;
  readonly tool: string;
  readonly category: string;
  readonly use: ToolUse;
  readonly #parts: VerdictParts;
  #indicators: IndicatorHit[] | undefined;
  #why: string[] | undefined;
  #mitre: string[] | undefined;
  #triage: TriageStep[] | undefined;
  #peers: FindingPeer[] | undefined;

  constructor(parts: VerdictParts) {
    this.severity = parts.severity;
    this.score = parts.score;
    this.tool = parts.context.tool.id;
    this.category = parts.context.category;
    this.use = useOf(parts.context);
    this.#parts = parts;
  }

  get indicators(): IndicatorHit[] {
    const { redact, hits } = this.#parts;
    this.#indicators ??= redact ? redactHits(hits) : hits;
    return this.#indicators;
  }
  get why(): string[] {
    this.#why ??= this.severity === 'none' ? [] : whyOf(this.#parts, this.indicators);
    return this.#why;
  }
  get mitre(): string[] {
    const { context, hits } = this.#parts;
    this.#mitre ??= this.severity === 'none' ? [] : techniquesOf(context, hits);
    return this.#mitre;
  }
  get triage(): TriageStep[] {
    const { event, context, hits } = this.#parts;
    this.#triage ??= this.severity === 'none' ? [] : triage(event, context, hits);
    return this.#triage;
  }
  get peers(): FindingPeer[] {
    this.#peers ??= toldPeers(this.#parts.context);
    return this.#peers;
  }

  /** Getters of a class are no properties of the object. */
  toJSON(): Verdict {
    const { severity, score, tool, category, use, indicators, why, mitre, triage: steps, peers } = this;
    return { severity, score, tool, category, use, indicators, why, mitre, triage: steps, peers };
  }
}
